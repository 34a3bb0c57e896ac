import { randomBytes } from 'node:crypto';
import type { Clock, Logger } from '../base';
import { maxReplicas } from '../dispatch';
import { type DispatchLedger, keepLease, ledgerUseLeaseMs } from '../ledger';

export interface ReplicaSetOptions {
    ledger: Pick<DispatchLedger, 'leases' | 'markRunningLost'>;
    /** Account id: replicas of one hub name each other, whoever else shares the ledger. */
    hub: Buffer;
    /** The same after a restart. */
    id: string;
    /** Where nodes and gateways reach this process; absent: the others do not name it. */
    publicUrl: string | undefined;
    /** The others are not those that they were. */
    onChange: () => void;
    /** Another process has come under this id: this one must stop. */
    onReplaced: () => void;
    clock: Clock;
    logger: Logger;
    leaseMs?: number;
}

/** The replicas of one dispatcher: each holds a lease that says where it is; what one leaves behind the others tidy up. */
export class ReplicaSet {
    private readonly boot = randomBytes(8).toString('hex');
    private readonly leaseMs: number;
    private others: readonly string[] = [];
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: ReplicaSetOptions) {
        this.leaseMs = options.leaseMs ?? ledgerUseLeaseMs;
    }

    /** Of those that live. */
    get urls(): readonly string[] {
        return this.others;
    }

    /** From now on this process is the replica of that id, and whatever ran under it before runs no more. */
    async start(): Promise<void> {
        await this.options.ledger.leases.seize(this.name, this.holder, this.leaseMs);
        await this.look();
        const { clock, logger } = this.options;
        const renew = () => this.renew();
        this.loop ??= keepLease({ lifeMs: this.leaseMs, renew, clock, logger }, this.stopping.signal);
    }

    /** The others need not wait for the lease to run out. */
    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
        await this.options.ledger.leases.release(this.name, this.holder);
    }

    private get prefix(): string {
        return `replica ${this.options.hub.toString('hex')} `;
    }

    private get name(): string {
        return `${this.prefix}${this.options.id}`;
    }

    private get holder(): string {
        return `${this.boot} ${this.options.publicUrl ?? ''}`;
    }

    private async renew(): Promise<boolean> {
        const { ledger, onReplaced } = this.options;
        const isOurs = await ledger.leases.hold(this.name, this.holder, this.leaseMs);
        if (isOurs) await this.look();
        else onReplaced();
        return isOurs;
    }

    private async look(): Promise<void> {
        const { nowMs, leases } = await this.options.ledger.leases.list(this.prefix);
        const others = leases.filter(({ name }) => name !== this.name);
        for (const { name, holder, expiresAtMs } of others) if (expiresAtMs <= nowMs) await this.bury(name, holder);
        const urls = others
            .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
            .map(({ holder }) => holder.slice(holder.indexOf(' ') + 1))
            .filter((url) => url !== '')
            .slice(0, maxReplicas);
        if (urls.join(' ') === this.others.join(' ')) return;
        this.others = urls;
        this.options.logger.info({ replicas: urls }, 'other replicas of this dispatcher');
        this.options.onChange();
    }

    /** Requests of a replica that died run no more; those that gateways took elsewhere are not its own by now. */
    private async bury(name: string, holder: string): Promise<void> {
        const { ledger, clock, logger } = this.options;
        const replica = name.slice(this.prefix.length);
        const lost = await ledger.markRunningLost(clock.nowMs(), replica);
        await ledger.leases.release(name, holder);
        logger.warn({ replica, requests: lost }, 'a replica is gone; what it relayed is lost until receipts come');
    }
}
