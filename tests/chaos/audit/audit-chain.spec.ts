import { type Transaction, toNano } from '@ton/core';
import type { ChainClient } from '../../../keepers/chain';
import { DevnetClient } from '../../../keepers/devnet/network/devnet-client';
import { Escrow, Payout } from '../../../wrappers';
import type { TestKey } from '../../contracts/support/ed25519';
import { useDevnet } from '../../keepers/chain/devnet-fixture';
import { createHub, type EscrowFixture, type HubFixture } from '../../keepers/settlement/hub-fixture';
import { auditChain, type AuditedNetwork, type ChainEvidence } from './audit-chain';
import type { StreamAccount } from './audit-receipts';
import { Findings } from './findings';
import type { StreamKey } from './statements';

const fixture = useDevnet();
const charged = 0xc0c00203;
const escrowSettled = 0xc0c00901;
let local: AuditedNetwork;
let hub: HubFixture;
let node: TestKey;
let escrow: EscrowFixture;
let streams: Map<StreamKey, StreamAccount>;

/** Two settlements of one node, each posted by the contracts' own messages. */
beforeAll(async () => {
    const devnet = new DevnetClient(fixture.devnet.url);
    const totalsAtStart = await devnet.totals();
    hub = await createHub(fixture);
    node = await hub.admitNode('audited');
    escrow = await hub.openEscrow('audited client', toNano('10'));
    await settle(1, toNano('1'));
    await settle(2, toNano('3'));
    const deployment = { registry: hub.registry.address };
    local = { client: fixture.client, hub: hub.hub.address, totalsAtStart, deployment, devnet };
    streams = new Map([[streamKey(), account(toNano('3'))]]);
});

async function settle(sequence: number, cumulativeNano: bigint): Promise<void> {
    const { receipt, signature } = escrow.receipt(node, sequence, cumulativeNano);
    const { capCumulativeNano, requestHash, capSignature } = escrow.cap(node, cumulativeNano);
    const cap = { nodeKey: node.publicKey, cumulativeNano: capCumulativeNano, requestHash };
    const lines = [{ receipt, nodeSignature: signature, cap, capSignature }];
    const settler = await fixture.wallet('auditing settler', sequence === 1 ? toNano('10') : 0n);
    const { address } = escrow.escrow;
    await fixture.client.open(hub.hub).sendSettle(settler.sender(), { escrow: address, epoch: escrow.epoch, lines });
}

const streamKey = (): StreamKey =>
    `${escrow.escrow.address.hash.toString('hex')}/${escrow.epoch}/${node.publicKey.toString('hex')}`;

function account(cumulativeNano: bigint): StreamAccount {
    const sessionKey = escrow.session.publicKey.toString('hex');
    const capsNano = new Map([[sessionKey, toNano('3')]]);
    return { cumulativeNano, sequence: 2, capsNano, sessionKey, finalsNano: [] };
}

async function rulesBroken(changes: Partial<ChainEvidence>): Promise<string[]> {
    const findings = new Findings();
    await auditChain({ local, escrows: [escrow.escrow.address], streams, ...changes }, findings);
    return findings.list.map(({ rule, detail }) => `${rule}: ${detail}`);
}

/** A chain of which one kind of transaction is told otherwise. */
function retold(tell: (transactions: Transaction[]) => Transaction[]): AuditedNetwork {
    const getTransactions: ChainClient['getTransactions'] = async (...args) =>
        tell(await fixture.client.getTransactions(...args));
    return { ...local, client: Object.assign(Object.create(fixture.client) as ChainClient, { getTransactions }) };
}

const says = (opcode: number) => (transaction: Transaction) =>
    transaction.outMessages
        .values()
        .some(({ body }) => body.bits.length >= 32 && body.beginParse().preloadUint(32) === opcode);

/** A chain on which a contract states something else of itself. */
function restated(contract: 'escrow' | 'hub', change: Record<string, unknown>): AuditedNetwork {
    const kind = contract === 'escrow' ? Escrow : Payout;
    const open = (of: Parameters<ChainClient['open']>[0]) => {
        const opened = fixture.client.open(of);
        if (!(of instanceof kind)) return opened;
        const getState = async () => ({
            ...(await (opened as unknown as Escrow & { getState(): Promise<object> }).getState()),
            ...change,
        });
        return new Proxy(opened, {
            get: (target, name) => (name === 'getState' ? getState : (Reflect.get(target, name) as unknown)),
        });
    };
    return { ...local, client: Object.assign(Object.create(fixture.client) as ChainClient, { open }) };
}

async function totalsWith(change: (balancesNano: Map<string, bigint>) => void): Promise<AuditedNetwork> {
    const { balancesNano, feesNano } = await local.devnet.totals();
    const changed = new Map(balancesNano);
    change(changed);
    return { ...local, devnet: { totals: () => Promise.resolve({ balancesNano: changed, feesNano }) } };
}

test('a chain that did what it should breaks no rule, and tells what each stream was paid', async () => {
    const findings = new Findings();
    const paid = await auditChain({ local, escrows: [escrow.escrow.address], streams }, findings);
    expect(findings.list).toEqual([]);
    expect(findings.checks).toBeGreaterThan(15);
    expect(paid).toEqual(new Map([[streamKey(), toNano('3')]]));
});

test('a settlement that the hub never booked is found', async () => {
    const broken = await rulesBroken({ local: retold((list) => list.filter((one) => !says(escrowSettled)(one))) });
    expect(broken.join('\n')).toMatch(/balances: what the hub had of escrow \w+ is 0, should be 3000000000/);
    expect(broken.join('\n')).toMatch(/balances: the fees that the hub told of is 0/);
});

test('a settlement that the escrow never made is found', async () => {
    const broken = await rulesBroken({ local: retold((list) => list.filter((one) => !says(charged)(one))) });
    // What opening left over is part of the deposit.
    const [, isNano, shouldBeNano] = /balances: the balance of escrow \w+ is (\d+), should be (\d+)/.exec(broken[0]!)!;
    expect(BigInt(shouldBeNano!) - BigInt(isNano!)).toBe(toNano('3'));
});

test('a settlement that was paid twice is found', async () => {
    const twice = (list: Transaction[]) => list.flatMap((one) => (says(charged)(one) ? [one, one] : [one]));
    const broken = await rulesBroken({ local: retold(twice) });
    expect(broken.join('\n')).toMatch(/settled once: .* 1000000000 and then 1000000000 in \w+, 1000000000 was due/);
});

test('a payment that no receipt stands for is found, and one above what receipts come to', async () => {
    for (const [known, dueNano] of [
        [new Map<StreamKey, StreamAccount>(), '0'],
        [new Map([[streamKey(), account(toNano('2'))]]), '2000000000'],
    ] as const) {
        const broken = await rulesBroken({ streams: known });
        expect(broken).toEqual([`settled once: ${streamKey()} was paid 3000000000, ${dueNano} was due`]);
    }
});

test('an escrow that holds or has paid something else than its history gives is found', async () => {
    const { balanceNano } = await fixture.client.open(escrow.escrow).getState();
    const [balance] = await rulesBroken({ local: restated('escrow', { balanceNano: balanceNano + 1n }) });
    expect(balance).toMatch(/^balances: the balance of escrow \w+ is \d+, should be \d+$/);
    expect(balance).toContain(`should be ${balanceNano}`);
    const paidNano = new Map([[node.publicKey.toString('hex'), toNano('2')]]);
    const [paid] = await rulesBroken({ local: restated('escrow', { paidNano }) });
    expect(paid).toMatch(/^balances: what \S+ was paid is 2000000000, should be 3000000000$/);
    const inFlight = { amountNano: 1n };
    expect(await rulesBroken({ local: restated('escrow', { inFlight }) })).toHaveLength(1);
});

test('a hub that owes or keeps something else than its lines give is found', async () => {
    for (const change of [{ accruedFeesNano: 1n }, { liabilitiesNano: 1n }])
        expect(await rulesBroken({ local: restated('hub', change) })).toHaveLength(1);
});

test('a balance that no transaction explains is found, even where the sum of all is right', async () => {
    const [from, to] = [escrow.escrow.address.toRawString(), hub.hub.address.toRawString()];
    const made = await totalsWith((nano) => nano.set(from, nano.get(from)! + 1n));
    const broken = await rulesBroken({ local: made });
    expect(broken.map((one) => one.split(':')[0])).toEqual(['balances', 'conserved']);
    const moved = await totalsWith((nano) => {
        nano.set(from, nano.get(from)! - 1n);
        nano.set(to, nano.get(to)! + 1n);
    });
    expect((await rulesBroken({ local: moved })).map((one) => one.split(':')[0])).toEqual(['balances', 'balances']);
});
