import { Operation, operation as operationArbitrary } from './operation';
import { runWorld, WorldFailure } from './run-world';

export interface Shrunk {
    operations: Operation[];
    failure: WorldFailure;
    runs: number;
}

/** Simpler forms of one operation that are tried before it is left as it is. */
const formsTried = 12;

/**
 * The shortest run that still breaks the same rule: first whole stretches are left out, longest first, then each operation is
 * made simpler by the arbitrary that made it. Ends at `deadline` with the best so far.
 */
export async function shrink(
    operations: readonly Operation[],
    failure: WorldFailure,
    deadline: number,
): Promise<Shrunk> {
    const best: Shrunk = { operations: operations.slice(0, failure.after + 1), failure, runs: 0 };
    const fails = async (candidate: Operation[]): Promise<boolean> => {
        best.runs += 1;
        const { failure: found } = await runWorld(candidate);
        if (found?.rule !== failure.rule) return false;
        best.operations = candidate.slice(0, found.after + 1);
        best.failure = found;
        return true;
    };
    for (let before = Infinity; best.operations.length < before && Date.now() < deadline;) {
        before = best.operations.length;
        await leaveOut(best, fails, deadline);
        await simplify(best, fails, deadline);
    }
    return best;
}

type Fails = (candidate: Operation[]) => Promise<boolean>;

async function leaveOut(best: Shrunk, fails: Fails, deadline: number): Promise<void> {
    for (
        let length = Math.ceil(best.operations.length / 2);
        length >= 1;
        length = length === 1 ? 0 : Math.ceil(length / 2)
    ) {
        for (let from = 0; from < best.operations.length && Date.now() < deadline;) {
            const without = [...best.operations.slice(0, from), ...best.operations.slice(from + length)];
            if (!(await fails(without))) from += length;
        }
    }
}

async function simplify(best: Shrunk, fails: Fails, deadline: number): Promise<void> {
    for (let at = 0; at < best.operations.length; at += 1) {
        for (let isSimpler = true; isSimpler && Date.now() < deadline;) {
            isSimpler = false;
            for (const form of operationArbitrary.shrink(best.operations[at]!, undefined).take(formsTried)) {
                const { operations } = best;
                isSimpler = await fails([...operations.slice(0, at), form.value_, ...operations.slice(at + 1)]);
                if (isSimpler || Date.now() > deadline) break;
            }
            if (at >= best.operations.length) return;
        }
    }
}
