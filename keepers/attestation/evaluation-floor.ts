import type { Verdict } from './verify/verdict';

/**
 * The highest evaluation data number met for each family of platforms. It only rises: who has once seen newer collateral
 * is not talked back to older, in which a weakness may not be known yet.
 */
export class EvaluationFloor {
    private readonly floors: Map<string, number>;

    constructor(floors: Record<string, number> = {}) {
        this.floors = new Map(Object.entries(floors));
    }

    /** Turns an acceptance below the floor into a refusal, and raises the floor by one at or above it. */
    admit(verdict: Verdict): Verdict {
        if (verdict.verdict === 'rejected') {
            return verdict;
        }
        const family = `${verdict.enclave ? 'sgx' : 'tdx'}/${verdict.fmspc}`;
        const [number, floor] = [verdict.tcbEvaluationDataNumber!, this.floors.get(family) ?? 0];
        if (number >= floor) {
            this.floors.set(family, number);
            return verdict;
        }
        const detail = `the TCB info is of evaluation ${number}, older than ${floor} seen before: fetch collateral again`;
        return { ...verdict, verdict: 'rejected', failedCheck: 'tcb_evaluation_number', detail, validUntil: null };
    }

    /** For keeping across restarts. */
    toJSON(): Record<string, number> {
        return Object.fromEntries(this.floors);
    }
}
