import { beginCell, toNano } from '@ton/core';
import { storeRecordKey } from '../../../build/Provider/Provider_Provider';
import { type ChainWallet, type WalletKey, walletKeyFromSeed } from '../../../keepers/chain';
import type { ReceiptRecord, CapRecord } from '../../../keepers/ledger';
import { capDigest, Escrow, openAllowanceNano, Payout, Provider, receiptDigest } from '../../../wrappers';
import { type DevnetFixture, seedOf } from '../chain/devnet-fixture';
import { type TestKey, testKey } from '../../contracts/support/ed25519';

export const closeDelaySec = 3600;

export interface HubFixture {
    /** In the registry's role: the only account that providers take keys from. */
    registry: ChainWallet;
    hub: Payout;
    /** Of a wallet with money. */
    settlerKey: WalletKey;
    admitNode(name: string): Promise<TestKey>;
    openEscrow(name: string, depositNano: bigint): Promise<EscrowFixture>;
    /** Another hub of the same network, to which the node is admitted as well. */
    another(salt: number, admitted: { name: string; key: TestKey }): Promise<Pick<HubFixture, 'hub' | 'openEscrow'>>;
}

export interface EscrowFixture {
    client: ChainWallet;
    escrow: Escrow;
    epoch: number;
    session: TestKey;
    cap(node: TestKey, cumulativeNano: bigint): CapRecord;
    receipt(node: TestKey, sequence: number, cumulativeNano: bigint): ReceiptRecord;
}

/** A hub, nodes and escrows of the real contracts on the devnet; a wallet stands in for the registry's attestation. */
export async function createHub(fixture: DevnetFixture): Promise<HubFixture> {
    const registry = await fixture.wallet('registry');
    await fixture.wallet('settler');
    const hub = await deployHub(fixture, registry, 0);
    const network = registry.address.hash;
    return {
        registry,
        hub,
        settlerKey: walletKeyFromSeed(seedOf('settler')),
        admitNode: (name) => admitNode(fixture, { registry, hub }, name),
        openEscrow: (name, depositNano) => openEscrow(fixture, { network, hub }, name, depositNano),
        another: async (salt, { name, key }) => {
            const further = await deployHub(fixture, registry, salt);
            const { provider, owner } = await providerOf(fixture, registry, name);
            await provider.sendRequestAdmission(owner.sender(), { nodeKey: key.publicKey, hub: further.address });
            return {
                hub: further,
                openEscrow: (client, depositNano) =>
                    openEscrow(fixture, { network, hub: further }, client, depositNano),
            };
        },
    };
}

async function deployHub(fixture: DevnetFixture, registry: ChainWallet, salt: number): Promise<Payout> {
    const operator = await fixture.wallet('operator');
    const hub = await Payout.createFromConfig({
        registry: registry.address,
        operator: operator.address,
        closeDelaySec,
        maxFeeBps: 1000,
        initialFeeBps: 250,
        salt,
    });
    await fixture.client.open(hub).sendTopUp(operator.sender(), { valueNano: toNano('1') });
    return hub;
}

async function providerOf(fixture: DevnetFixture, registry: ChainWallet, name: string) {
    const owner = await fixture.wallet(`owner of ${name}`);
    const terms = { registry: registry.address, owner: owner.address };
    return { owner, provider: fixture.client.open(await Provider.createFromConfig(terms)) };
}

type Place = Pick<HubFixture, 'registry' | 'hub'>;

async function admitNode(fixture: DevnetFixture, { registry, hub }: Place, name: string): Promise<TestKey> {
    const { owner, provider } = await providerOf(fixture, registry, name);
    const key = testKey(name);
    await provider.sendCreate(owner.sender(), { operatorKey: null });
    await provider.sendBond(owner.sender(), { valueNano: toNano('5') });
    const bundleHash = BigInt('0x' + seedOf(`bundle ${name}`).toString('hex'));
    await provider.sendAuthorizeBundle(owner.sender(), { bundleHash: seedOf(`bundle ${name}`) });
    const body = beginCell().store(
        storeRecordKey({
            $$type: 'RecordKey',
            queryId: 0n,
            ticket: 0n,
            nodeKey: BigInt('0x' + key.publicKey.toString('hex')),
            suite: 1n,
            notAfter: BigInt((await fixture.client.getChainTimeSec()) + 86_400),
            minBond: toNano('1'),
            responseTo: owner.address,
            bundleHash,
            imageId: 1n,
            modelRoot: 2n,
            platformId: 3n,
            authorization: beginCell().endCell(),
        }),
    );
    await registry.sendAndConfirm([{ to: provider.address, value: toNano('0.5'), body: body.endCell() }]);
    await provider.sendRequestAdmission(owner.sender(), { nodeKey: key.publicKey, hub: hub.address });
    return key;
}

export async function openEscrow(
    fixture: DevnetFixture,
    { network, hub }: { network: Buffer; hub: Payout },
    name: string,
    depositNano: bigint,
): Promise<EscrowFixture> {
    const client = await fixture.wallet(name);
    const session = testKey(`session of ${name}`);
    const terms = { hub: hub.address, network, client: client.address, index: 0, closeDelaySec };
    const escrow = await Escrow.createFromConfig(terms);
    const opened = fixture.client.open(escrow);
    const sessionExpiresAt = (await fixture.client.getChainTimeSec()) + 86_400;
    const valueNano = depositNano + openAllowanceNano;
    await opened.sendOpen(client.sender(), { sessionKey: session.publicKey, sessionExpiresAt, valueNano });
    const { epoch } = await opened.getState();
    const scope = { network, escrow: escrow.address.hash, epoch };
    return { client, escrow, epoch, session, ...statements(scope, session) };
}

/** Caps and receipts of one escrow. */
export function statements(scope: { network: Buffer; escrow: Buffer; epoch: number }, session: TestKey) {
    const common = (node: TestKey) => ({ ...scope, nodeKey: node.publicKey });
    return {
        cap: (node: TestKey, cumulativeNano: bigint): CapRecord => {
            const requestHash = seedOf(`request ${scope.escrow.toString('hex')} ${cumulativeNano}`);
            const digest = capDigest({ ...common(node), cumulativeNano, requestHash });
            return {
                ...common(node),
                requestId: requestHash.subarray(0, 16),
                requestHash,
                offerHash: seedOf('offer'),
                sessionKey: session.publicKey,
                capCumulativeNano: cumulativeNano,
                capSignature: session.sign(digest),
                funds: { balanceNano: 1n << 60n, paidNano: new Map() },
                atMs: 0,
            };
        },
        receipt: (node: TestKey, sequence: number, cumulativeNano: bigint): ReceiptRecord => {
            const tail = {
                nodeKey: node.publicKey,
                sessionKey: session.publicKey,
                sequence,
                costNano: cumulativeNano,
                cumulativeNano,
                reference: seedOf('reference'),
            };
            return {
                escrow: scope.escrow,
                epoch: scope.epoch,
                receipt: tail,
                signature: node.sign(receiptDigest({ ...scope, ...tail })),
                requestId: null,
                usageHash: seedOf('usage'),
                transcriptHash: seedOf('transcript'),
                final: true,
                receivedAtMs: 0,
            };
        },
    };
}
