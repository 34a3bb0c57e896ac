import type { Address } from '@ton/core';
import type { Clock, Logger } from '../base';
import type { ChainClient, NetworkReader } from '../chain';
import type { DispatchLedger } from '../ledger';
import type { OutboxSender } from '../outbox';
import type { SettlerMetrics } from '../telemetry';
import type { HoldPolicy } from './held-lines';
import type { TurnOptions } from './turns';

export interface SettlerOptions {
    client: ChainClient;
    reader: NetworkReader;
    sender: OutboxSender;
    /** Settled at in any case; logs of nodes may hold receipts of further hubs, which are settled there. */
    hub: Address;
    /** The dispatcher's ledger, the logs of nodes, or both. */
    ledger?: DispatchLedger;
    nodeLogFiles?: readonly string[];
    intervalMs?: number;
    minValueToCostRatio?: number;
    /** A deadline this near is urgent. */
    urgentWithinSec?: number;
    /** Settle only what a deadline presses, whatever the value: for who stands by while another settles. */
    deadlinesOnly?: boolean;
    /** Settle messages in one wallet transaction at most. */
    maxBatchesAtOnce?: number;
    /** Most that one Settle message may cost, and all messages of the wallet in 24 hours. */
    maxFeePerSettlementNano?: bigint;
    maxFeePerDayNano?: bigint;
    turns?: Partial<TurnOptions>;
    holdPolicy?: HoldPolicy;
    sendTimeoutMs?: number;
    logger?: Logger;
    clock?: Clock;
    metrics?: SettlerMetrics;
}
