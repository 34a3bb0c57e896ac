import { type Address, beginCell, toNano } from '@ton/core';
import { storeQuoteVerified } from '../../../build/Registry/Registry_Registry';
import type { ChainWallet } from '../../../keepers/chain';
import {
    authorizationCell,
    type GovernanceAction,
    type KeyBundle,
    keyBundleCell,
    keyBundleHash,
    Payout,
    Provider,
    Registry,
} from '../../../wrappers';
import { uint256 } from '../../../wrappers/uint256';
import { type TestKey, testKey } from '../../contracts/support/ed25519';
import { type DevnetFixture, seedOf } from '../chain/devnet-fixture';
import { closeDelaySec, type EscrowFixture, openEscrow } from '../settlement/hub-fixture';

export interface GovernedNode {
    key: TestKey;
    provider: Address;
    imageId: Buffer;
    modelRoot: Buffer;
}

export interface GovernedHub {
    registry: Address;
    hub: Payout;
    /** Its image and model are its own, unless it is like another. */
    admitNode(name: string, like?: GovernedNode): Promise<GovernedNode>;
    openEscrow(name: string, depositNano: bigint): Promise<EscrowFixture>;
    revokeImage(imageId: Buffer): Promise<void>;
}

type World = { fixture: DevnetFixture; registry: Registry; hub: Payout; owner: ChainWallet; verifier: ChainWallet };

/** The real registry, hub, providers and escrows on a devnet; a wallet stands in for the verifier of quotes. */
export async function createGovernedHub(fixture: DevnetFixture): Promise<GovernedHub> {
    const owner = await fixture.wallet('governance');
    const verifier = await fixture.wallet('verifier');
    const operator = await fixture.wallet('operator of the hub');
    const registry = await Registry.createFromConfig({
        kind: 'development',
        rootKey: Buffer.alloc(64, 0x77),
        owner: owner.address,
        guardian: owner.address,
        governanceDelaySec: 0,
        salt: 1,
    });
    await fixture.client.open(registry).sendDeploy(owner.sender());
    const terms = { closeDelaySec, maxFeeBps: 1000, initialFeeBps: 250, salt: 0 };
    const hub = await Payout.createFromConfig({ registry: registry.address, operator: operator.address, ...terms });
    await fixture.client.open(hub).sendTopUp(operator.sender(), { valueNano: toNano('1') });
    const world = { fixture, registry, hub, owner, verifier };
    await govern(world, { kind: 'setVerifier', verifier: verifier.address });
    const network = registry.network;
    return {
        registry: registry.address,
        hub,
        admitNode: async (name, like) => admitNode(world, name, like ?? (await allowGuest(world, name))),
        openEscrow: (name, depositNano) => openEscrow(fixture, { network, hub }, name, depositNano),
        revokeImage: async (imageId) => fixture.client.open(registry).sendRevokeImage(owner.sender(), { imageId }),
    };
}

async function govern({ fixture, registry, owner }: World, action: GovernanceAction): Promise<void> {
    const opened = fixture.client.open(registry);
    await opened.sendPropose(owner.sender(), { action });
    const proposals = await opened.getProposals();
    await opened.sendExecute(owner.sender(), { proposalId: proposals.at(-1)!.id });
}

type Guest = Pick<GovernedNode, 'imageId' | 'modelRoot'>;

async function allowGuest(world: World, name: string): Promise<Guest> {
    const [imageId, modelRoot] = [seedOf(`image of ${name}`), seedOf(`model of ${name}`)];
    await govern(world, { kind: 'allowImage', imageId, imageKind: 'tdx', name });
    await govern(world, { kind: 'allowModel', modelRoot, name });
    return { imageId, modelRoot };
}

async function admitNode(world: World, name: string, { imageId, modelRoot }: Guest): Promise<GovernedNode> {
    const { fixture, registry, hub } = world;
    const owner = await fixture.wallet(`owner of ${name}`);
    const provider = fixture.client.open(
        await Provider.createFromConfig({ registry: registry.address, owner: owner.address }),
    );
    await provider.sendCreate(owner.sender(), { operatorKey: null });
    await provider.sendBond(owner.sender(), { valueNano: toNano('12') });
    const key = testKey(name);
    const bundle: KeyBundle = {
        network: registry.network,
        provider: provider.address.hash,
        role: 1,
        suite: 1,
        signingKey: key.publicKey,
        imageId,
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 4200,
        mcRootHash: Buffer.alloc(32, 0x44),
        notAfter: (await fixture.client.getChainTimeSec()) + 86_400,
    };
    await provider.sendAuthorizeBundle(owner.sender(), { bundleHash: keyBundleHash(bundle) });
    await attest(world, bundle, name);
    await provider.sendRequestAdmission(owner.sender(), { nodeKey: key.publicKey, hub: hub.address });
    return { key, provider: provider.address, imageId, modelRoot };
}

/** QuoteVerified, as the governed verifier would send it. */
async function attest({ registry, verifier }: World, bundle: KeyBundle, name: string): Promise<void> {
    const evidence = beginCell()
        .storeBuffer(bundle.mcRootHash)
        .storeUint(0x10000000, 64)
        .storeUint(0, 8)
        .storeUint(18, 32)
        .storeUint(0x90c06f000000, 48);
    const body = beginCell().store(
        storeQuoteVerified({
            $$type: 'QuoteVerified',
            queryId: 0n,
            imageId: uint256('imageId', bundle.imageId),
            platformId: uint256('platformId', seedOf(`platform of ${name}`)),
            bundleHash: uint256('bundleHash', keyBundleHash(bundle)),
            responseTo: verifier.address,
            bundle: keyBundleCell(bundle),
            authorization: authorizationCell(),
            evidence: evidence.endCell(),
        }),
    );
    await verifier.sendAndConfirm([{ to: registry.address, value: toNano('0.5'), body: body.endCell() }]);
}
