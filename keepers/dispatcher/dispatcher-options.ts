import type { Clock, Logger } from '../base';
import type { EscrowBook } from '../dispatch';
import type { DispatchLedger } from '../ledger';
import type { DispatcherMetrics } from '../telemetry';

export interface DispatcherOptions {
    network: Buffer;
    hub: Buffer;
    ledger: DispatchLedger;
    book: EscrowBook;
    /** Whether the hub on chain settles receipts of this key. */
    isAdmitted: (nodeKey: Buffer) => Promise<boolean>;
    queueLimitPerNode: number;
    /** Where the other processes are that serve this hub from the same ledger. */
    replicaUrls?: () => readonly string[];
    metrics?: DispatcherMetrics;
    clock: Clock;
    logger: Logger;
}
