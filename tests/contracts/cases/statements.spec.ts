import '@ton/test-utils';
import { beginCell, Cell, toNano } from '@ton/core';
import { buildSettlementLines, chargeRefusals, Payout, payoutErrors, SettlementLine } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { testKey } from '../support/ed25519';
import { exitCodeOf, refusalReasonOf } from '../support/settlement-outcomes';
import { closeDelaySec, createSettlement, SettlementEnvironment } from '../support/settlement-environment';
import { settleBody } from './support/hostile-cells';
import { expectSound, gains, wealthOf } from './support/parties';
import { startTrace } from './support/trace';

const gas = toNano('1');
const fees = () => atPrices(toNano('0.2'));
const nothingDue = 'no line has anything left to pay under a valid cap';

let env: SettlementEnvironment;

afterEach(() => expectSound(env));

const creditOf = (index: number) => env.hub.getCredit(env.nodes[index]!.owner.address);

/** Settles alone, and says who refused: the hub by its error, the escrow by its reason. */
async function refusalOf(line: SettlementLine | Cell, options: { hub?: typeof env.hub } = {}): Promise<string | null> {
    const lines = line instanceof Cell ? line : buildSettlementLines([line]);
    const hub = options.hub ?? env.hub;
    const result = await env.settler.send({ to: hub.address, value: gas, body: settleBody(env, lines) });
    const reason = refusalReasonOf(result, env.settler.address);
    if (reason !== null) return chargeRefusals.get(reason) ?? `reason ${reason}`;
    const code = exitCodeOf(result, hub.address) ?? 0;
    return code === 0 ? null : (payoutErrors.get(code) ?? `exit code ${code}`);
}

describe('case 5: the same settlement posted twice, by two keepers, in one block, reordered, or an older receipt after a newer', () => {
    /** How many transactions of the first keeper's trace run before the second keeper's whole trace does. */
    it.each([0, 1, 2, 3, 4])(
        'is paid once, when the second keeper comes after %i steps of the first',
        async (steps) => {
            env = await createSettlement({ feeBps: 0 });
            const body = settleBody(env, buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: toNano('3') })]));
            const from = env.settler.address;
            env.money.minted(2n * gas);
            const before = await wealthOf(env);
            const first = await startTrace(env.blockchain, { from, to: env.hub.address, value: gas, body });
            await first.step(steps);
            const second = await startTrace(env.blockchain, { from, to: env.hub.address, value: gas, body });
            await second.finish();
            await first.finish();
            const after = await wealthOf(env);
            expect(before.client - after.client).toBe(toNano('3'));
            expect(after.providers - before.providers).toBe(toNano('3'));
            expect((await env.escrow.getState()).inFlight).toBeNull();
        },
    );

    it('an older receipt after a newer pays nothing, a newer after an older the difference, and ten copies in a batch one', async () => {
        env = await createSettlement({ feeBps: 0 });
        const [older, newer] = [2, 5].map((ton) =>
            env.line(env.nodes[0]!, { receiptNano: toNano(ton), sequence: ton }),
        );
        await env.settle(Array.from({ length: 10 }, () => older!));
        expect(await creditOf(0)).toBe(toNano('2'));
        await env.settle([newer!]);
        expect(await creditOf(0)).toBe(toNano('5'));
        expect(await refusalOf(older!)).toBe(nothingDue);
        expect(await creditOf(0)).toBe(toNano('5'));
    });
});

describe('case 6: a receipt for another escrow, hub, network, epoch or node key; a cap of another escrow; a truncated or padded cell; signature malleability', () => {
    const receiptNano = toNano('1');
    const elsewhere = Buffer.alloc(32, 1);
    const noLine = 'Payout: no line passes';

    // One for all: what is refused changes nothing, and the last test is the only one that pays.
    beforeAll(async () => {
        env = await createSettlement({ nodes: 2, feeBps: 0 });
    });

    it.each<[string, string, Parameters<typeof env.line>[1]]>([
        ['a receipt for another escrow', noLine, { receiptNano, scope: { escrow: elsewhere } }],
        ['a receipt for another network', noLine, { receiptNano, scope: { network: elsewhere } }],
        ['a receipt for another epoch', noLine, { receiptNano, scope: { epoch: 7 } }],
        ['a receipt of another node key', noLine, { receiptNano, nodeSigner: testKey('node 1') }],
        ['a cap of another escrow', nothingDue, { receiptNano, capScope: { escrow: elsewhere } }],
        ['a cap of another network', nothingDue, { receiptNano, capScope: { network: elsewhere } }],
        ['a cap of another epoch', nothingDue, { receiptNano, capScope: { epoch: 7 } }],
        ['a cap by another session key', nothingDue, { receiptNano, session: testKey('thief') }],
    ])('%s is refused with "%s"', async (_, refusal, options) => {
        const gained = await gains(env, async () => {
            expect(await refusalOf(env.line(env.nodes[0]!, options))).toBe(refusal);
        });
        expect(gained).toMatchObject({ client: 0n, operator: 0n, providers: 0n });
        expect(gained.settler).toBeGreaterThan(-fees());
    });

    it('a receipt for an escrow of another hub reaches an escrow that does not listen to this one', async () => {
        const { registry, operator } = env;
        const config = { registry: registry.address, operator: operator.address, closeDelaySec, maxFeeBps: 1000 };
        const rival = env.blockchain.openContract(
            await Payout.createFromConfig({ ...config, initialFeeBps: 0, salt: 9 }),
        );
        await rival.sendTopUp(operator.getSender(), { valueNano: toNano('2') });
        await env.admit(env.nodes[0]!, { hub: rival.address });
        const gained = await gains(env, async () => {
            await refusalOf(env.line(env.nodes[0]!, { receiptNano }), { hub: rival });
        });
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
        expect((await rival.getState()).liabilitiesNano).toBe(await rival.getCredit(env.settler.address));
        await rival.sendClaim(env.settler.getSender(), { valueNano: gas });
        expect((await rival.getState()).liabilitiesNano).toBe(0n);
    });

    it.each<[string, (line: Cell) => Cell]>([
        ['a padded receipt', (line) => recut(line, { padding: 8 })],
        ['a truncated receipt', (line) => recut(line, { bits: 984 })],
        ['a padded proof', (line) => recut(line, { proof: recut(line.refs[0]!, { padding: 8 }) })],
        ['a truncated proof', (line) => recut(line, { proof: recut(line.refs[0]!, { bits: 856 }) })],
    ])('%s is no line', async (_, cut) => {
        const line = buildSettlementLines([env.line(env.nodes[0]!, { receiptNano })]);
        expect(await refusalOf(cut(line))).toBe(noLine);
        expect(await creditOf(0)).toBe(0n);
    });

    it('a signature shifted by the order of the curve is another signature and no other payment', async () => {
        const line = env.line(env.nodes[0]!, { receiptNano });
        const twin = { ...line, nodeSignature: malleated(line.nodeSignature) };
        expect(await refusalOf(twin)).toBe(noLine);
        expect(await refusalOf({ ...line, capSignature: malleated(line.capSignature) })).toBe(nothingDue);
        await env.settle([line, twin]);
        expect(await creditOf(0)).toBe(receiptNano);
    });
});

describe('case 7: an older, lower cap posted after a higher one', () => {
    it('has no effect: caps are cumulative, the highest valid one counts', async () => {
        env = await createSettlement({ feeBps: 0 });
        const line = (capNano: bigint) => env.line(env.nodes[0]!, { receiptNano: toNano('9'), capNano });
        await env.settle([line(toNano('4'))]);
        const gained = await gains(env, async () => expect(await refusalOf(line(toNano('1')))).toBe(nothingDue));
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
        await env.settle([line(toNano('1')), line(toNano('6')), line(toNano('5'))]);
        expect(await creditOf(0)).toBe(toNano('6'));
    });
});

// Off chain the TEE refuses before it works: tests/keepers/node/request-gate.spec.ts.
describe('case 20: an attested node signs for everything it can; two nodes bill one request', () => {
    const capNano = toNano('0.5');

    it('the loss is bounded by the cap that was signed for that node', async () => {
        env = await createSettlement({ feeBps: 0 });
        const greedy = (sequence: number, receiptNano: bigint) =>
            env.line(env.nodes[0]!, { receiptNano, sequence, capNano });
        const gained = await gains(env, async () => {
            for (const [i, ton] of ['9', '8', '1000000'].entries()) await env.settle([greedy(i + 1, toNano(ton))]);
        });
        expect(gained.client).toBe(-capNano);
        expect(gained.providers).toBe(capNano);
    });

    it('a second node bills nothing under the cap of the first', async () => {
        env = await createSettlement({ nodes: 2, feeBps: 0 });
        const [first, second] = env.nodes.map((node) => env.line(node, { receiptNano: toNano('5'), capNano }));
        const stolen = {
            ...second!,
            cap: { ...first!.cap, nodeKey: second!.cap.nodeKey },
            capSignature: first!.capSignature,
        };
        const gained = await gains(env, () => env.settle([first!, stolen]));
        expect(gained.client).toBe(-capNano);
        expect([await creditOf(0), await creditOf(1)]).toEqual([capNano, 0n]);
    });
});

// That the TEE refuses such a cap before it works: tests/keepers/node/request-gate.spec.ts.
describe("case 21: a provider feeds its own honest TEE invented requests, with somebody's public caps", () => {
    it("a cap that names another node's key pays nothing for this one's receipts, however many are public", async () => {
        env = await createSettlement({ nodes: 2, feeBps: 0 });
        const published = env.line(env.nodes[0]!, { receiptNano: toNano('2') });
        await env.settle([published]);
        const invented = env.line(env.nodes[1]!, { receiptNano: toNano('2') });
        const gained = await gains(env, async () => {
            expect(await refusalOf({ ...invented, capSignature: published.capSignature })).toBe(nothingDue);
        });
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
    });

    it('a cap for another request, raised or lowered by hand, is no cap', async () => {
        env = await createSettlement({ feeBps: 0 });
        const line = env.line(env.nodes[0]!, { receiptNano: toNano('2') });
        expect(await refusalOf({ ...line, cap: { ...line.cap, requestHash: Buffer.alloc(32, 0xee) } })).toBe(
            nothingDue,
        );
        expect(await refusalOf({ ...line, cap: { ...line.cap, cumulativeNano: toNano('3') } })).toBe(nothingDue);
        expect(await creditOf(0)).toBe(0n);
    });
});

describe('case 25: an escrow is closed, emptied and opened again; old caps and receipts are replayed', () => {
    it('they are refused: the epoch is another', async () => {
        env = await createSettlement({ feeBps: 0 });
        const old = env.line(env.nodes[0]!, { receiptNano: toNano('4') });
        await env.settle([old]);
        await env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
        env.at(env.blockchain.now! + closeDelaySec + 1);
        await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
        const before = env.epoch;
        await env.open();
        expect((await env.escrow.getState()).epoch).toBeGreaterThan(before);
        const gained = await gains(env, async () => {
            expect(await refusalOf(old)).toBe('the receipts are of another epoch');
            await env.enterEpoch();
            expect(await refusalOf(old)).toBe('Payout: no line passes');
        });
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
    });
});

function recut(cell: Cell, change: { bits?: number; padding?: number; proof?: Cell }): Cell {
    const builder = beginCell().storeBits(cell.bits.substring(0, change.bits ?? cell.bits.length));
    return builder
        .storeUint(0, change.padding ?? 0)
        .storeRef(change.proof ?? cell.refs[0]!)
        .endCell();
}

/** Ed25519 with S + L in S's place, which a careless verifier takes too. */
function malleated(signature: Buffer): Buffer {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt('0x' + Buffer.from(signature.subarray(32)).reverse().toString('hex')) + order;
    const shifted = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
    return Buffer.concat([signature.subarray(0, 32), shifted]);
}
