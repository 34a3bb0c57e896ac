import { randomBytes } from 'node:crypto';
import { type Clock, errorMessage, type Logger } from '../base';
import { keepLease } from './keep-lease';
import type { Leases } from './leases';

export interface LedgerUseOptions {
    leases: Pick<Leases, 'seize' | 'release' | 'list'>;
    role: 'settler' | 'watchdog';
    clock: Clock;
    logger: Logger;
}

/** How long a process that was killed counts as one that still uses the ledger. */
export const ledgerUseLeaseMs = 10_000;

/**
 * Says, by a lease, that this process works with the ledger, so that nobody restores a backup under it. Any number of
 * processes may hold one each; a dispatcher holds that of its replica.
 */
export class LedgerUse {
    private readonly stopping = new AbortController();
    private readonly holder = randomBytes(8).toString('hex');
    private loop: Promise<void> | undefined;

    constructor(private readonly options: LedgerUseOptions) {}

    async start(): Promise<void> {
        await this.claim();
        await this.forgetKilled();
        this.loop ??= keepLease(
            { ...this.options, lifeMs: ledgerUseLeaseMs, renew: () => this.claim().then(() => true) },
            this.stopping.signal,
        );
    }

    async stop(): Promise<void> {
        const { leases, logger } = this.options;
        this.stopping.abort(new Error('stopping'));
        await this.loop;
        // It runs out by itself: no reason to fail what is ending well.
        await leases
            .release(this.name, this.holder)
            .catch((error: unknown) => logger.warn({ reason: errorMessage(error) }, 'a lease was not given back'));
    }

    private get name(): string {
        return `${this.options.role} ${this.holder}`;
    }

    private claim(): Promise<void> {
        return this.options.leases.seize(this.name, this.holder, ledgerUseLeaseMs);
    }

    /** Each process has a name of its own: those of killed ones would only become more. */
    private async forgetKilled(): Promise<void> {
        const { leases, role } = this.options;
        const { nowMs, leases: all } = await leases.list(`${role} `);
        for (const { name, holder, expiresAtMs } of all) if (expiresAtMs <= nowMs) await leases.release(name, holder);
    }
}
