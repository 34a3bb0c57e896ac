import path from 'node:path';
import fc from 'fast-check';
import { GatewayLedger } from '../../../keepers/ledger';
import { temporaryFolder } from './temporary-folder';
import {
    escrow,
    funds,
    gatewayReceipt,
    nodeA,
    nodeB,
    requestId,
    reservation,
    sent,
    streamA,
    streamB,
} from './ledger-records';

const folder = temporaryFolder();
let counter = 0;
const open = () => new GatewayLedger({ file: path.join(folder, `${counter++}.db`) });

async function reserveAndSend(ledger: GatewayLedger, label: string, worstCaseNano: bigint): Promise<bigint> {
    const { capCumulativeNano } = await ledger.reserve(reservation(label, worstCaseNano, { sent: () => sent(label) }));
    return capCumulativeNano;
}

describe('GatewayLedger', () => {
    it('caps a request at known finals, open worst cases and its own', async () => {
        const ledger = open();
        expect(await reserveAndSend(ledger, '1', 100n)).toBe(100n);
        expect(await reserveAndSend(ledger, '2', 50n)).toBe(150n);
        await ledger.resolve(requestId('1'), gatewayReceipt({ sequence: 1, cost: 30n, cumulative: 30n }), 3);
        expect(await reserveAndSend(ledger, '3', 10n)).toBe(90n);
        expect(ledger.knownFinalsNano(streamA)).toBe(30n);
        expect(ledger.openWorstCasesNano(streamA)).toBe(60n);
        expect(ledger.lastSequence(streamA)).toBe(1);
    });

    it('refuses one nanoTON beyond the balance, summed over nodes, and leaves no trace of the refusal', async () => {
        const ledger = open();
        await ledger.reserve(reservation('1', 60n, { funds: funds(100n) }));
        const over = reservation('2', 41n, { ...streamB, funds: funds(100n) });
        await expect(ledger.reserve(over)).rejects.toMatchObject({
            code: 'escrow_insufficient',
            context: { neededNano: '101', balanceNano: '100' },
        });
        expect(ledger.request(requestId('2'))).toBeNull();
        await ledger.reserve(reservation('2', 40n, { ...streamB, funds: funds(100n) }));
        expect(ledger.outstandingNano(escrow, 7, funds(0n))).toBe(100n);
    });

    it('signs what it decides, and keeps nothing where that fails', async () => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 60n);
        const signed: bigint[] = [];
        const signing = (capNano: bigint) => {
            signed.push(capNano);
            return sent('2');
        };
        await ledger.reserve(reservation('2', 30n, { sent: signing }));
        expect(signed).toEqual([90n]);
        expect(ledger.request(requestId('2'))).toMatchObject({ state: 'sent', requestHash: sent('2').requestHash });
        const failing = () => {
            throw new Error('no key');
        };
        await expect(ledger.reserve(reservation('3', 10n, { sent: failing }))).rejects.toThrow('no key');
        expect(ledger.request(requestId('3'))).toBeNull();
        expect(ledger.openWorstCasesNano(streamA)).toBe(90n);
    });

    it('counts paid sums against the node they were paid to', async () => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 60n);
        await ledger.resolve(requestId('1'), gatewayReceipt({ sequence: 1, cost: 60n, cumulative: 60n }), 3);
        await ledger.reserve(reservation('2', 40n, { funds: funds(40n, [[nodeA, 60n]]) }));
        const wrongNode = reservation('3', 1n, { funds: funds(99n, [[nodeB, 60n]]) });
        await expect(ledger.reserve(wrongNode)).rejects.toMatchObject({ code: 'escrow_insufficient' });
    });

    it('never promises more than the balance under concurrent reservations', async () => {
        const ledger = open();
        const all = Array.from({ length: 50 }, (_, i) =>
            ledger.reserve(reservation(`${i}`, 30n, { ...(i % 2 ? streamA : streamB), funds: funds(1_000n) })),
        );
        const results = await Promise.allSettled(all);
        expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(33);
        expect(ledger.outstandingNano(escrow, 7, funds(0n))).toBe(990n);
    });

    it('frees a failed request and keeps a lost one open until its receipt is found', async () => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 100n);
        await reserveAndSend(ledger, '2', 50n);
        await ledger.fail(requestId('1'), 'node_busy', 3);
        await ledger.lose(requestId('2'), 'node_lost', 3);
        expect(ledger.openWorstCasesNano(streamA)).toBe(50n);
        expect(ledger.open()).toMatchObject([{ state: 'lost', failureCode: 'node_lost' }]);
        await ledger.resolve(requestId('2'), gatewayReceipt({ sequence: 1, cost: 20n, cumulative: 20n }), 4);
        expect(ledger.totals()).toMatchObject({ requests: { final: 1, failed: 1 }, costNano: 20n, openNano: 0n });
    });

    it('recovers from a crash: unsent is freed, sent is lost', async () => {
        const ledger = open();
        await ledger.reserve(reservation('1', 100n));
        await reserveAndSend(ledger, '2', 50n);
        expect(await ledger.recover(9)).toEqual({ freed: 1, lost: 1 });
        expect(ledger.openWorstCasesNano(streamA)).toBe(50n);
    });

    it('accepts interleaved receipts whichever arrives first', async () => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 100n);
        await reserveAndSend(ledger, '2', 100n);
        await ledger.resolve(requestId('2'), gatewayReceipt({ sequence: 2, cost: 10n, cumulative: 25n }), 3);
        await ledger.resolve(requestId('1'), gatewayReceipt({ sequence: 1, cost: 15n, cumulative: 15n }), 3);
        expect(ledger.knownFinalsNano(streamA)).toBe(25n);
        expect(ledger.lastSequence(streamA)).toBe(2);
    });

    it.each([
        ['cost_above_worst_case', { sequence: 2, cost: 101n, cumulative: 131n }],
        ['cumulative_below_finals', { sequence: 2, cost: 10n, cumulative: 39n }],
        ['cumulative_above_reservations', { sequence: 2, cost: 100n, cumulative: 131n }],
        ['sequence_used', { sequence: 1, cost: 10n, cumulative: 40n }],
        ['cumulative_fell', { sequence: 0, cost: 10n, cumulative: 31n }],
        ['node_key', { sequence: 2, cost: 10n, cumulative: 40n, nodeKey: nodeB }],
        ['session_key', { sequence: 2, cost: 10n, cumulative: 40n, sessionKey: nodeB }],
    ])('refuses a receipt: %s', async (reason, fields) => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 100n);
        await ledger.resolve(requestId('1'), gatewayReceipt({ sequence: 1, cost: 30n, cumulative: 30n }), 3);
        await reserveAndSend(ledger, '2', 100n);
        await expect(ledger.resolve(requestId('2'), gatewayReceipt(fields), 4)).rejects.toMatchObject({
            code: 'receipt_inconsistent',
            context: { reason },
        });
        expect(ledger.openWorstCasesNano(streamA)).toBe(100n);
        await ledger.resolve(requestId('2'), gatewayReceipt({ sequence: 2, cost: 100n, cumulative: 130n }), 5);
    });

    it('takes the same final twice, another one never', async () => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 100n);
        const final = gatewayReceipt({ sequence: 1, cost: 30n, cumulative: 30n });
        await ledger.resolve(requestId('1'), final, 3);
        await ledger.resolve(requestId('1'), final, 4);
        const other = gatewayReceipt({ sequence: 2, cost: 30n, cumulative: 30n });
        await expect(ledger.resolve(requestId('1'), other, 4)).rejects.toMatchObject({ code: 'receipt_inconsistent' });
        expect(ledger.knownFinalsNano(streamA)).toBe(30n);
    });

    it('refuses acts that do not start from the request state', async () => {
        const ledger = open();
        await ledger.reserve(reservation('1', 10n));
        await expect(ledger.lose(requestId('1'), 'x', 2)).rejects.toMatchObject({ code: 'request_state_invalid' });
        await expect(ledger.fail(requestId('9'), 'x', 2)).rejects.toMatchObject({ code: 'request_unknown' });
        await expect(ledger.reserve(reservation('1', 10n))).rejects.toMatchObject({ code: 'request_replayed' });
    });

    it('stores a receipt that was fetched after its stream broke, without the usage that nobody can open', async () => {
        const ledger = open();
        await reserveAndSend(ledger, '1', 100n);
        const final = { ...gatewayReceipt({ sequence: 1, cost: 30n, cumulative: 30n }), usage: null };
        await ledger.resolve(requestId('1'), final, 3);
        expect(ledger.request(requestId('1'))!.final).toEqual(final);
    });

    it('exports what it stored, newest first, in pages', async () => {
        const ledger = open();
        for (const label of ['1', '2']) await ledger.reserve(reservation(label, 10n));
        await reserveAndSend(ledger, '3', 10n);
        const final = gatewayReceipt({ sequence: 1, cost: 5n, cumulative: 5n });
        await ledger.resolve(requestId('3'), final, 8);
        const [newest, ...rest] = ledger.list({ limit: 2 });
        expect(newest).toMatchObject({ state: 'final', model: 'toy', reservedAtMs: 1, sentAtMs: 2, closedAtMs: 8 });
        expect(newest!.final).toEqual(final);
        expect(ledger.list({ beforeId: rest[0]!.id, limit: 2 }).map((row) => row.requestId)).toEqual([requestId('1')]);
    });

    it('adds up for any honest node, and every cap covers what is owed', async () => {
        const step = fc.record({ worst: fc.bigInt(1n, 200n), share: fc.nat(100), end: fc.nat(3) });
        await fc.assert(
            fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
                const ledger = open();
                let finals = 0n;
                let held = 0n;
                for (const [i, { worst, share, end }] of steps.entries()) {
                    const capNano = await reserveAndSend(ledger, `${i}`, worst).catch(() => null);
                    expect(capNano).toBe(finals + held + worst <= 1_000n ? finals + held + worst : null);
                    if (capNano === null) continue;
                    if (end === 0) await ledger.fail(requestId(`${i}`), 'refused', 2);
                    else if (end === 1) await ledger.lose(requestId(`${i}`), 'node_lost', 2);
                    else {
                        const cost = (worst * BigInt(share)) / 100n;
                        finals += cost;
                        const fields = { sequence: i, cost, cumulative: finals };
                        await ledger.resolve(requestId(`${i}`), gatewayReceipt(fields), 3);
                    }
                    if (end === 1) held += worst;
                }
                expect(ledger.knownFinalsNano(streamA)).toBe(finals);
                expect(ledger.openWorstCasesNano(streamA)).toBe(held);
                ledger.close();
            }),
            { numRuns: 25 },
        );
    });
});
