import type { SendResult } from '../chain';
import type { ChainView } from './chain-candidates';
import type { HeldLines } from './held-lines';
import { lineOf } from './plan-round';
import type { Batch } from './submit-batches';

/** What is known of a wallet request once it is over. */
export interface RequestSeen {
    batches: readonly Batch[];
    /** Those that were in the signed request; the others were left out of it. */
    signed: readonly Batch[];
    result: SendResult | null;
    /** Of its error. */
    code: string | null;
    after: ChainView;
}

/** ChargeRefused of contracts/messages.tact: the escrow charged nothing. */
const chargeRefusedOpcode = 0xc0c00205;

/** Escrows that sent a charge back: most often since another's was under way, or had been there before. */
export function refusingEscrows(result: SendResult | null): string[] {
    const refusals = result?.trace.filter(({ opcode }) => opcode === chargeRefusedOpcode) ?? [];
    return refusals.map(({ sender }) => sender?.hash.toString('hex') ?? '');
}

/**
 * Holds what was sent and has not moved. Only a charge that was made judges the lines that it passed over; where the chain
 * refused the whole of it, or nobody saw, that tells little of a line, and it is tried again sooner.
 */
export async function noteLines(holds: HeldLines, seen: RequestSeen, nowSec: () => Promise<number>): Promise<void> {
    const { batches, signed, result, code, after } = seen;
    const left = new Map(after.candidates.map((one) => [lineOf(one), one]));
    const wasExecuted = code === null || code === 'transaction_failed';
    const failedAtSec = wasExecuted ? await nowSec() : 0;
    const refusing = new Set(refusingEscrows(result));
    for (const batch of batches) {
        // Not read: nothing is known of it.
        if (!after.escrows.has(batch.escrow)) continue;
        const wasSent = wasExecuted && signed.includes(batch);
        const wasCharged = result?.complete === true && !refusing.has(batch.escrow);
        for (const line of batch.lines) {
            const now = left.get(lineOf(line));
            if (now === undefined || now.paidNano > line.paidNano) holds.noteSuccess(lineOf(line));
            else if (wasSent)
                holds.noteFailure({
                    line: lineOf(line),
                    fingerprint: wasCharged ? now.fingerprint : null,
                    failedAtSec,
                    deadlineSec: now.deadlineSec,
                });
        }
    }
}
