import { Address, beginCell } from '@ton/core';
import { addressSigner, Escrow, Payout, Provider, Registry, sha256 } from '../../wrappers';
import { testKey, TestKey } from '../contracts/support/ed25519';
import { actor, ActorName } from './actors';
import { newEscrow } from './model/escrow-model';
import { NetworkModel } from './model/network-model';

export const governanceDelaySec = 3600;
/** Verified on chain; by clients only; allowed by nobody. */
export const images = [Buffer.alloc(32, 0x11), Buffer.alloc(32, 0x12), Buffer.alloc(32, 0x13)] as const;
export const modelRoot = Buffer.alloc(32, 0x22);
export const platforms = [0x33, 0x34, 0x35].map((byte) => Buffer.alloc(32, byte));
/** More than the nodes that an escrow keeps at hand. */
export const nodeCount = 12;
export const endpointCell = beginCell().storeStringTail('https://hub.example').endCell();

const hubTerms = [
    { operator: 'operator 0', closeDelaySec: 3600, maxFeeBps: 1000, initialFeeBps: 250 },
    { operator: 'operator 1', closeDelaySec: 600, maxFeeBps: 2000, initialFeeBps: 0 },
] as const;

/** Who has an escrow where; the owner of a provider is a client as well. */
const escrowPlaces: readonly (readonly [ActorName, number])[] = [
    ['client 0', 0],
    ['client 1', 0],
    ['owner 0', 0],
    ['client 0', 1],
    ['client 1', 1],
];

const owners = ['owner 0', 'owner 1', 'owner 2'] as const;

/** Of either suite. */
export interface NodeSigner {
    publicKey: Buffer;
    suite: 1 | 2;
    sign(digest: Buffer): Buffer;
}

/** Every third node has an Ethereum key. */
function nodeSigner(index: number): NodeSigner {
    if (index % 3 !== 1) return { ...testKey(`soak node ${index}`), suite: 1 };
    const signer = addressSigner(sha256(Buffer.from(`soak node ${index}`)));
    return { publicKey: signer.nodeKey, suite: 2, sign: (digest) => signer.sign(digest) };
}

/** The contracts of a world, most of them not deployed yet. */
export interface Scene {
    registry: Registry;
    hubs: Payout[];
    escrows: Escrow[];
    providers: Provider[];
    /** by node number; node i belongs to provider i mod 3, if nobody registers it through another */
    nodeKeys: NodeSigner[];
    operatorKeys: TestKey[];
}

export async function createScene(): Promise<Scene> {
    const registry = await Registry.createFromConfig({
        kind: 'development',
        rootKey: Buffer.alloc(64, 0x77),
        owner: actor('governor'),
        guardian: actor('guardian'),
        governanceDelaySec,
        salt: 1,
    });
    const hubs = await Promise.all(
        hubTerms.map((terms) =>
            Payout.createFromConfig({ ...terms, registry: registry.address, operator: actor(terms.operator), salt: 0 }),
        ),
    );
    const escrows = await Promise.all(
        escrowPlaces.map(([client, hub]) =>
            Escrow.createFromConfig({
                hub: hubs[hub]!.address,
                network: registry.network,
                client: actor(client),
                index: 0,
                closeDelaySec: hubTerms[hub]!.closeDelaySec,
            }),
        ),
    );
    const providers = await Promise.all(
        owners.map((owner) => Provider.createFromConfig({ registry: registry.address, owner: actor(owner) })),
    );
    return {
        registry,
        hubs,
        escrows,
        providers,
        nodeKeys: Array.from({ length: nodeCount }, (_, i) => nodeSigner(i)),
        operatorKeys: owners.map((owner) => testKey(`operator of ${owner}`)),
    };
}

/** Before anything is deployed. */
export function createModel(scene: Scene): NetworkModel {
    const registry = raw(scene.registry.address);
    return {
        registry: {
            address: registry,
            owner: raw(actor('governor')),
            guardian: raw(actor('guardian')),
            verifier: '',
            governanceDelaySec,
            version: 0,
            minBondNano: 10_000_000_000n,
            minClientVerifiedBondNano: 100_000_000_000n,
            minHubBondNano: 10_000_000_000n,
            maxKeyLifeSec: 3 * 86_400,
            maxKeysPerPlatform: 4,
            images: new Map(),
            models: new Set(),
            deniedPlatforms: new Set(),
            platformKeys: new Map(),
            attempts: 0,
            hubBonds: new Map(),
            proposals: new Map(),
            lastProposalId: 0,
        },
        hubs: byAddress(
            hubTerms.map((terms, i) => ({
                address: raw(scene.hubs[i]!.address),
                registry,
                operator: raw(actor(terms.operator)),
                closeDelaySec: terms.closeDelaySec,
                maxFeeBps: terms.maxFeeBps,
                feeBps: terms.initialFeeBps,
                rise: null,
                nodes: new Map(),
                credits: new Map(),
                refunds: new Map(),
                accruedFeesNano: 0n,
            })),
        ),
        escrows: byAddress(
            escrowPlaces.map(([client, hub], i) =>
                newEscrow({
                    address: raw(scene.escrows[i]!.address),
                    client: raw(actor(client)),
                    hub: raw(scene.hubs[hub]!.address),
                    closeDelaySec: hubTerms[hub]!.closeDelaySec,
                }),
            ),
        ),
        providers: byAddress(
            owners.map((owner, i) => ({
                address: raw(scene.providers[i]!.address),
                owner: raw(actor(owner)),
                registry,
                operatorKey: '',
                bondNano: 0n,
                unbondingNano: 0n,
                withdrawableAt: 0,
                keys: new Map(),
                revoked: new Set(),
            })),
        ),
    };
}

export function raw(address: Address): string {
    return address.toRawString();
}

function byAddress<T extends { address: string }>(list: readonly T[]): Map<string, T> {
    return new Map(list.map((item) => [item.address, item]));
}
