import { Address } from '@ton/core';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { ChainError, type SendResult } from '../../../keepers/chain';
import type { OutboxEntry, Settleable } from '../../../keepers/ledger';
import { decideSettlements, defaultTurns, HeldLines, Turns } from '../../../keepers/settlement';
import { type ChainCandidate, type ChainView, emptyView } from '../../../keepers/settlement/chain-candidates';
import { planRound } from '../../../keepers/settlement/plan-round';
import { type GroupPlace, settleGroup } from '../../../keepers/settlement/settle-group';
import { failedLinesOf, settleIntent } from '../../../keepers/settlement/settlement-intents';

const costs = { batchNano: 1n, lineNano: 1n };
const nowSec = 10_000;
const policy = { nowSec, minValueToCostRatio: 50n, urgentWithinSec: 3_600, force: false };
const chargeRefused = 0xc0c00205;
const [x, y] = ['11'.repeat(32), '22'.repeat(32)] as const;
const hubAddress = new Address(0, Buffer.alloc(32, 8));

function owing(escrow: string, node: string, deadlineSec: number | null = null): ChainCandidate {
    const nodeKey = Buffer.alloc(32, node);
    const owedNano = 1_000_000n;
    const receipt = { nodeKey, cumulativeNano: owedNano };
    return {
        escrow,
        epoch: 1,
        nodeKey: nodeKey.toString('hex'),
        owedNano,
        balanceNano: 1n << 60n,
        deadlineSec,
        paidNano: 0n,
        fingerprint: 'as it is',
        settleable: { receipt, cap: { capCumulativeNano: owedNano } } as Settleable,
    };
}

interface Sending {
    /** What is owed once the settler looks again: before a signature that comes late, and afterwards. */
    left: ChainCandidate[];
    /** Escrows that send the charge back. */
    refusing?: string[];
    isComplete?: boolean;
    error?: Error;
    /** Since the settler looked, ms. */
    ageMs?: number;
    /** By how much the machine's date was set back since. */
    setBackMs?: number;
}

/** Settles what is owed in one request; which lines are sent at once, and which after a wait. */
async function settled(owed: ChainCandidate[], sending: Sending) {
    const { left, refusing = [], isComplete = true, error = null, ageMs = 0, setBackMs = 0 } = sending;
    const holds = new HeldLines();
    const clock = new ManualClock(1_000_000);
    const sentTo: string[] = [];
    const refusals = refusing.map((escrow) => ({
        opcode: chargeRefused,
        sender: new Address(0, Buffer.from(escrow, 'hex')),
    }));
    const result = { trace: refusals, complete: isComplete, feeNano: 1n } as unknown as SendResult;
    const view = (): ChainView => {
        const seen = { ...emptyView(), candidates: left };
        for (const escrow of [x, y]) seen.escrows.set(escrow, { epoch: 1, paidNano: new Map() } as never);
        return seen;
    };
    const place = {
        hub: {
            address: hubAddress,
            sendSettle: async (_: unknown, { escrow }: { escrow: Address }) =>
                void sentTo.push(escrow.hash.toString('hex')),
        },
        sender: {
            wallet: { address: new Address(0, Buffer.alloc(32, 9)) },
            send: async ({ messages }: { messages: () => Promise<unknown> }) => {
                await messages();
                return { result: error === null ? result : null, error, outcomes: [] };
            },
        },
        holds,
        clock,
        logger: silentLogger(),
        costs: async () => costs,
        view: async () => view(),
        nowSec: async () => nowSec,
    } as unknown as GroupPlace;
    const batches = decideSettlements(owed, costs, { ...policy, force: true });
    const viewedAtMs = clock.monotonicMs();
    clock.advance(ageMs);
    clock.setBy(-setBackMs);
    const outcome = await settleGroup(
        place,
        batches.map((batch) => ({ batch })),
        viewedAtMs,
    );
    return { ...outcome, sentTo, heldAfter: (waitSec: number) => heldOf(holds, left, waitSec) };
}

function heldOf(holds: HeldLines, candidates: ChainCandidate[], waitSec: number): number {
    return planRound({
        candidates,
        costs,
        policy: { ...policy, nowSec: nowSec + waitSec },
        limits: { maxFeePerSettlementNano: null, leftTodayNano: null },
        holds,
        turns: new Turns({ settlerId: 'a', ...defaultTurns }),
    }).held;
}

describe('a line that has not moved after its request', () => {
    it('is not held where it was left out, since a rival had paid its neighbour', async () => {
        const [b, c] = [owing(x, 'b'), owing(y, 'c')];
        const { sentTo, signedLines, heldAfter } = await settled([owing(x, 'a'), b, c], { left: [b, c], ageMs: 5_000 });
        expect({ sentTo, signedLines }).toEqual({ sentTo: [y], signedLines: [1] });
        // The one that was sent is.
        expect(heldAfter(0)).toBe(1);
    });

    it('is looked at again after a wait, though the date was set back meanwhile', async () => {
        const [a, b] = [owing(x, 'b'), owing(y, 'c')];
        const { sentTo } = await settled([a, b], { left: [b], ageMs: 5_000, setBackMs: 3_600_000 });
        expect(sentTo).toEqual([y]);
    });

    it('waits a day where a charge was made that passed it over', async () => {
        const b = owing(x, 'b');
        const { heldAfter } = await settled([owing(x, 'a'), b], { left: [b] });
        expect([heldAfter(86_399), heldAfter(86_400)]).toEqual([1, 0]);
    });

    it('waits minutes where the escrow charged nothing: a rival may have been at it', async () => {
        const [b, c] = [owing(x, 'b'), owing(y, 'c')];
        const { overtaken, heldAfter } = await settled([b, c], { left: [b, c], refusing: [x] });
        expect(overtaken).toBe(1);
        // That of the other escrow, whose charge was made, waits on.
        expect([heldAfter(299), heldAfter(300)]).toEqual([2, 1]);
    });

    it.each([
        ['nobody saw the end of the trace', { isComplete: false }],
        ['the request as a whole was refused', { error: new ChainError('transaction_failed', 'by the wallet') }],
    ])('waits minutes where %s', async (_, sending) => {
        const b = owing(x, 'b');
        const { heldAfter } = await settled([b], { left: [b], ...sending });
        expect([heldAfter(299), heldAfter(300)]).toEqual([1, 0]);
    });

    it('is tried again before its deadline, whatever the chain said of it', async () => {
        const b = owing(x, 'b', nowSec + 600);
        for (const refusing of [[], [x]]) {
            const { heldAfter } = await settled([b], { left: [b], refusing });
            expect([heldAfter(119), heldAfter(120)]).toEqual([1, 0]);
        }
    });

    it('waits minutes after a restart, or less before its deadline: the outbox does not know who refused it', () => {
        const deadlineSec = nowSec + 600;
        for (const [line, waitSec] of [
            [owing(x, 'b'), 300],
            [owing(x, 'b', deadlineSec), 120],
        ] as const) {
            const [batch] = decideSettlements([line], costs, { ...policy, force: true });
            const { payload, notAfterSec = null } = settleIntent(hubAddress, batch!);
            const entry = { payload, notAfterSec, updatedAtMs: nowSec * 1000 } as OutboxEntry;
            const holds = new HeldLines();
            failedLinesOf(entry).forEach((failed) => holds.noteFailure(failed));
            expect([heldOf(holds, [line], waitSec - 1), heldOf(holds, [line], waitSec)]).toEqual([1, 0]);
        }
    });
});
