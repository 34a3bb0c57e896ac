import type { SendJournal } from '../../../keepers/base';
import type { ChainClient } from '../../../keepers/chain';

/** The end of a process, as the code that runs meets it: nothing after it happens. */
export class Crash extends Error {}

/** Ends the process after its n-th step has taken effect and before it learns so, which is as good as before the next. */
export class CrashPlan {
    private steps = 0;
    private isDead = false;

    constructor(private readonly at: number) {}

    get hasCrashed(): boolean {
        return this.isDead;
    }

    async step<T>(act: () => Promise<T>): Promise<T> {
        const isLast = this.steps++ === this.at;
        if (this.isDead) throw this.die();
        const value = await act();
        if (isLast || this.isDead) throw this.die();
        return value;
    }

    private die(): Crash {
        this.isDead = true;
        return new Crash(`the process ended after step ${this.at}`);
    }
}

const chainSteps = ['readAccount', 'agree', 'getChainTimeSec', 'sendBoc', 'getTransactions'];
const journalSteps = ['record', 'close', 'recordSend', 'closeSend', 'recordFee', 'openSends', 'lastSlot', 'open'];

export const crashingClient = (client: ChainClient, plan: CrashPlan) => crashing(client, chainSteps, plan);

export const crashingJournal = <J extends SendJournal>(journal: J, plan: CrashPlan) =>
    crashing(journal, journalSteps, plan);

function crashing<T extends object>(target: T, steps: readonly string[], plan: CrashPlan): T {
    return new Proxy(target, {
        get(of, name) {
            const value: unknown = Reflect.get(of, name, of);
            if (typeof value !== 'function') return value;
            const call = (...args: unknown[]): unknown => Reflect.apply(value, of, args);
            if (!steps.includes(String(name))) return call;
            return (...args: unknown[]) => plan.step(() => call(...args) as Promise<unknown>);
        },
    });
}
