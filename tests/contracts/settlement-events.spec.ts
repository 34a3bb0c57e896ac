import { beginCell, Cell, Message, toNano, Transaction } from '@ton/core';
import { createShardAccount, internal, SendMessageResult } from '@ton/sandbox';
import fc from 'fast-check';
import { Payout as PayoutBinding, storeCharge } from '../../build/Payout/Payout_Payout';
import { buildSettlementLines, Escrow } from '../../wrappers';
import { testKey } from './support/ed25519';
import {
    closeDelaySec,
    createSettlement,
    sessionLifeSec,
    SettlementEnvironment,
    TestNode,
} from './support/settlement-environment';
import { SettlementLedger } from './support/settlement-ledger';
import { whileRefusing } from './support/stepping';

const initialFeeBps = 250;

type Operation = (typeof operations)[number];
const operations = [
    'settle',
    'topUp',
    'claim',
    'withdrawFees',
    'setFee',
    'close',
    'withdraw',
    'open',
    'setSession',
    'chargeBounces',
    'refund',
    'admit',
    'prune',
    'pass',
] as const;

/** So that storage fees do not show in what the escrow can reach. */
async function endow(env: SettlementEnvironment): Promise<void> {
    const { accountState, balance } = await env.blockchain.getContract(env.escrow.address);
    if (accountState?.type !== 'active' || !accountState.state.code || !accountState.state.data)
        throw new Error('no escrow');
    const { code, data } = accountState.state;
    const address = env.escrow.address;
    const account = createShardAccount({ address, code, data, balance: balance + toNano('1') });
    await env.blockchain.setShardAccount(address, account);
}

/** One operation, by whoever may do it; many are refused, as the state has it. */
class Actors {
    private owedNano = 0n;
    private sessions = 0;
    private readonly late: TestNode;

    constructor(private readonly env: SettlementEnvironment) {
        this.late = { key: testKey('late'), owner: env.settler };
    }

    async act(operation: Operation, number: number): Promise<SendMessageResult[]> {
        const { env } = this;
        const [client, operator, settler] = [env.client.getSender(), env.operator.getSender(), env.settler.getSender()];
        const node = env.nodes[number % env.nodes.length]!;
        switch (operation) {
            case 'settle':
                return [await this.settle(number)];
            case 'topUp':
                return [await env.escrow.sendTopUp(settler, { valueNano: toNano('0.5') + BigInt(number) })];
            case 'claim':
                return [await env.hub.sendClaim(node.owner.getSender()), await env.hub.sendClaim(settler)];
            case 'withdrawFees':
                return [await env.hub.sendWithdrawFees(operator)];
            case 'setFee':
                return [await env.hub.sendSetFee(operator, { feeBps: number % 1000 })];
            case 'close':
                return [await env.escrow.sendClose(client)];
            case 'withdraw':
                env.at(env.blockchain.now! + closeDelaySec + 1);
                return [await env.escrow.sendWithdraw(client)];
            case 'open':
                return this.reopen();
            case 'setSession':
                return this.setSession();
            case 'chargeBounces':
                return this.chargeBounces(number);
            case 'refund':
                return [await this.refund(number)];
            case 'admit':
                return [await env.admit(this.late, { notAfter: env.blockchain.now! + number })];
            case 'prune':
                return [await env.hub.sendPruneNode(settler, { nodeKey: this.late.key.publicKey })];
            case 'pass':
                env.at(env.blockchain.now! + number);
                return [];
        }
    }

    private async settle(number: number): Promise<SendMessageResult> {
        this.owedNano += BigInt(number) * 1_000_003n;
        const nodes = [...this.env.nodes, this.late].slice(0, 1 + (number % 4));
        return this.env.settle(nodes.map((node) => this.env.line(node, { receiptNano: this.owedNano })));
    }

    private async reopen(): Promise<SendMessageResult[]> {
        const result = await this.env.open();
        await this.env.enterEpoch();
        return [result];
    }

    private async setSession(): Promise<SendMessageResult[]> {
        const { env } = this;
        this.sessions += 1;
        const sessionKey = testKey(`session ${this.sessions}`).publicKey;
        const sessionExpiresAt = env.blockchain.now! + sessionLifeSec;
        const changed = await env.escrow.sendSetSession(env.client.getSender(), { sessionKey, sessionExpiresAt });
        const back = { sessionKey: env.session.publicKey, sessionExpiresAt: sessionExpiresAt + 1 };
        return [changed, await env.escrow.sendSetSession(env.client.getSender(), back)];
    }

    /** The hub rejects what the escrow sent: its Charge is made up, so that nothing but Charged reaches the hub. */
    private async chargeBounces(number: number): Promise<SendMessageResult[]> {
        const { env } = this;
        this.owedNano += BigInt(number);
        const line = env.line(env.nodes[0]!, { receiptNano: this.owedNano });
        const charge = storeCharge({
            $$type: 'Charge',
            settler: env.settler.address,
            queryId: 1n,
            epoch: BigInt(env.epoch),
            lineMask: 1n,
            lines: buildSettlementLines([line]),
            context: new Cell(),
        });
        const body = beginCell().store(charge).endCell();
        const message = internal({
            from: env.hub.address,
            to: env.escrow.address,
            value: toNano('1'),
            body,
            bounce: true,
        });
        const results: SendMessageResult[] = [];
        await whileRefusing(env.blockchain, env.hub.address, async () => {
            results.push(await env.blockchain.sendMessage(message));
        });
        return results;
    }

    private async refund(number: number): Promise<SendMessageResult> {
        const { env } = this;
        const config = {
            hub: env.hub.address,
            network: env.network,
            client: env.client.address,
            index: 99,
            closeDelaySec,
        };
        const missing = await Escrow.createFromConfig(config);
        const line = env.line(env.nodes[0]!, { receiptNano: 1n, scope: { escrow: missing.address.hash } });
        return env.settle([line], { escrow: missing.address, valueNano: toNano('1') + BigInt(number) });
    }
}

/** What the contracts say themselves, of everything that the ledger knows. */
async function compare(env: SettlementEnvironment, ledger: SettlementLedger): Promise<void> {
    const [escrow, hub] = [await env.escrow.getState(), await env.hub.getState()];
    expect(ledger.escrows.get(env.escrow.address.toString())).toBe(escrow.balanceNano);
    expect(ledger.sessions.get(env.escrow.address.toString())).toBe(numberOf(escrow.sessionKey));
    expect(ledger.feesNano).toBe(hub.accruedFeesNano);
    expect(ledger.liabilitiesNano).toBe(hub.liabilitiesNano);
    expect(ledger.nodes.size).toBe(hub.nodeCount);
    for (const { address } of [env.settler, ...env.nodes.map((node) => node.owner)]) {
        expect(ledger.claimableNano(address)).toBe(await env.hub.getCredit(address));
    }
}

describe('the events of a hub and its escrow', () => {
    it('are enough to rebuild every balance, whatever happened', async () => {
        const step = fc.tuple(fc.constantFrom(...operations), fc.integer({ min: 1, max: 5000 }));
        const seen = new Set<string>();
        const property = fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 50 }), async (steps) => {
            const ledger = new SettlementLedger(initialFeeBps);
            const env = await createSettlement({ nodes: 3, feeBps: initialFeeBps });
            await endow(env);
            ledger.read(allEvents(env));
            const actors = new Actors(env);
            for (const [operation, number] of steps) {
                for (const result of await actors.act(operation, number)) {
                    ledger.read(result.externals);
                    for (const event of result.externals) seen.add(nameOf(event));
                }
                await compare(env, ledger);
            }
        });
        await fc.assert(property, { numRuns: 5, seed: 20261122 });
        expect([...seen].sort()).toEqual(everyEvent);
    }, 240_000);
});

const everyEvent = [
    'ChargeReverted',
    'EscrowClosing',
    'EscrowOpened',
    'EscrowSettled',
    'EscrowToppedUp',
    'EscrowWithdrawn',
    'FeeScheduled',
    'FeesWithdrawn',
    'NodeAdmitted',
    'NodePruned',
    'ProviderPaid',
    'RefundHeld',
    'SessionSet',
];

const names = new Map(Object.entries(PayoutBinding.opcodes).map(([name, opcode]) => [opcode, name]));

function nameOf(event: Message): string {
    return names.get(event.body.beginParse().preloadUint(32)) ?? 'unknown';
}

/** Of the chain so far. */
function allEvents(env: SettlementEnvironment): Message[] {
    const { transactions } = env.blockchain as unknown as { transactions: Transaction[] };
    return transactions.flatMap((tx) =>
        [...tx.outMessages.values()].filter(({ info }) => info.type === 'external-out'),
    );
}

function numberOf(key: Buffer): bigint {
    return BigInt('0x' + key.toString('hex'));
}
