import { type Clock, errorMessage, type Logger } from '../base';
import type { DispatchLedger } from '../ledger';

export interface DeadNodesOptions {
    ledger: Pick<DispatchLedger, 'leases' | 'streamsOpenSince' | 'releaseNode'>;
    /** Names this process among the replicas, one of which does it. */
    holder: string;
    /** Until when the hub settles receipts of the key, unix seconds; null where it does not know the key any more. */
    settlesUntilSec: (nodeKey: Buffer) => Promise<number | null>;
    chainTimeSec: () => Promise<number>;
    clock: Clock;
    logger: Logger;
    intervalMs?: number;
}

const defaultIntervalMs = 600_000;
/** No request runs for so long. */
const openForMs = 2 * 3_600_000;
/** A key that its hub does not know was pruned there, or an endpoint lags: a day tells. */
const unknownForMs = 24 * 3_600_000;
const leaderLease = 'leader dead-nodes';

/** Frees what nodes that are gone for good hold reserved, once no receipt of theirs can be settled any more. */
export class DeadNodes {
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: DeadNodesOptions) {}

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    /** @returns requests whose reservations were freed */
    async releaseAll(): Promise<number> {
        const { ledger, holder, chainTimeSec, clock, logger, intervalMs = defaultIntervalMs } = this.options;
        // Longer than the pause, so that the work stays with one replica while that lives.
        if (!(await ledger.leases.hold(leaderLease, holder, intervalMs * 2))) return 0;
        const nowSec = await chainTimeSec();
        let released = 0;
        for (const { stream, sinceMs } of await ledger.streamsOpenSince(clock.nowMs() - openForMs)) {
            if (!(await this.isOver(stream.nodeKey, sinceMs, nowSec))) continue;
            released += await ledger.releaseNode(stream, clock.nowMs());
        }
        if (released > 0) logger.info({ requests: released }, 'reservations of nodes that are gone were freed');
        return released;
    }

    private async isOver(nodeKey: Buffer, sinceMs: number, nowSec: number): Promise<boolean> {
        const untilSec = await this.options.settlesUntilSec(nodeKey);
        if (untilSec !== null) return untilSec < nowSec;
        return this.options.clock.nowMs() - sinceMs > unknownForMs;
    }

    private async run(): Promise<void> {
        const { clock, logger, intervalMs = defaultIntervalMs } = this.options;
        while (!this.stopping.signal.aborted) {
            await this.releaseAll().catch((error: unknown) =>
                logger.warn({ reason: errorMessage(error) }, 'reservations of gone nodes were not looked through'),
            );
            await clock.sleep(intervalMs, this.stopping.signal).catch(() => undefined);
        }
    }
}
