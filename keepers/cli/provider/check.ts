import { errorMessage } from '../../base';
import type { NodeContext } from './node-context';

export type CheckState = 'ok' | 'warn' | 'fail';

/** One line of `cocoon doctor`. */
export interface CheckResult {
    /** Stable, for machines. */
    check: string;
    state: CheckState;
    detail: string;
    /** What to do about it; null when it is fine. */
    next: string | null;
}

/** Looks at one thing; what it throws is a finding too. */
export type Check<Context = NodeContext> = (context: Context) => Promise<CheckResult[]>;

export function ok(check: string, detail: string): CheckResult {
    return { check, state: 'ok', detail, next: null };
}

export function warn(check: string, detail: string, next: string): CheckResult {
    return { check, state: 'warn', detail, next };
}

export function fail(check: string, detail: string, next: string): CheckResult {
    return { check, state: 'fail', detail, next };
}

/** Longer than any quote or fetch should take; one that hangs must not hide the others. */
const deadlineMs = 45_000;

/** A check that can't be made is a check that failed, with the error's own words. */
export async function runCheck<Context>(
    check: string,
    next: string,
    look: Check<Context>,
    context: Context,
): Promise<CheckResult[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs / 1000} s`)), deadlineMs);
    });
    try {
        return await Promise.race([look(context), late]);
    } catch (error) {
        return [fail(check, reasonsOf(error), next)];
    } finally {
        clearTimeout(timer);
    }
}

/** With its causes: the outer error says what failed, the inner one why. */
function reasonsOf(error: unknown): string {
    const reasons: string[] = [];
    let at = error as Partial<Error> | null | undefined;
    while (at?.message !== undefined && reasons.length < 3) {
        reasons.push(at.message);
        at = at.cause as Partial<Error> | null | undefined;
    }
    return reasons.length === 0 ? errorMessage(error) : [...new Set(reasons)].join(': ');
}
