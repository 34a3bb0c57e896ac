import { type Clock, errorMessage, type Logger } from '../base';

/** Tries for each life of a lease. */
const renewals = 4;

export interface KeptLease {
    lifeMs: number;
    /** Prolongs it. False: it is another's by now, and nothing is left to do. */
    renew: () => Promise<boolean>;
    clock: Clock;
    logger: Logger;
}

/** Renews a lease until it is lost or the signal aborts. A try that fails costs nothing while others are left. */
export async function keepLease({ lifeMs, renew, clock, logger }: KeptLease, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
        await clock.sleep(lifeMs / renewals, stopping).catch(() => undefined);
        if (stopping.aborted) return;
        try {
            if (!(await renew())) return;
        } catch (error) {
            logger.warn({ reason: errorMessage(error) }, 'a lease on the ledger was not renewed');
        }
    }
}
