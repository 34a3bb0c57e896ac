import type { Address } from '@ton/core';
import { Payout } from '../../wrappers';
import { type Clock, errorMessage, type Logger } from '../base';
import type { ChainClient, NetworkReader } from '../chain';
import type { DispatchLedger, Settleable } from '../ledger';
import type { OutboxSender } from '../outbox';
import { SettleableReceipts } from '../settlement';
import { actCostNano } from './act-costs';
import { decideActs, type WatchAct } from './decide-acts';
import { HubLook } from './hub-look';
import { type KeyHistoryStore, KnownKeys } from './known-keys';
import { ActPerformer, codeOf, type PerformedAct } from './perform-acts';
import { RegistryChanges } from './registry-changes';
import { stateOf, watchKinds } from './send-act';
import { type ChargesSeen, StuckCharges } from './stuck-charges';

export interface WatchdogOptions {
    client: ChainClient;
    reader: NetworkReader;
    sender: OutboxSender;
    registry: Address;
    hub: Address;
    /** Where contradicting receipts and the escrows at work are known from; the logs of nodes tell of escrows only. */
    ledger?: DispatchLedger;
    nodeLogFiles?: readonly string[];
    /** Without one, keys that the hub has forgotten are forgotten with the process. */
    keyHistory?: KeyHistoryStore;
    intervalMs: number;
    /** Every key is looked at again after this, even if governance changed nothing. */
    fullCheckMs: number;
    pruneAboveNodes: number;
    maxFeePerDayNano?: bigint;
    /** Say what would be sent, and send nothing. */
    dryRun?: boolean;
    clock: Clock;
    logger: Logger;
}

export interface WatchSummary extends ChargesSeen {
    /** Keys looked at in this round. */
    keys: number;
    /** Pairs of receipts in the ledger that contradict each other, of whatever age. */
    contradictions: number;
    acts: Pick<PerformedAct, 'kind' | 'key' | 'outcome'>[];
    costNano: bigint;
}

/** Sums since the start, for metrics; `null` before the first round. */
export interface WatchdogCounters {
    rounds: number;
    failures: number;
    failuresInARow: number;
    lastGoodAtMs: number | null;
    acts: Record<WatchAct['kind'], number>;
    /** Acts of the last round that the chain refused before, or that the day's gas does not allow. */
    waiting: number;
    costNano: bigint;
    contradictions: number;
    stuckEscrows: number;
    unreadableEscrows: number;
}

/**
 * Does what anyone may do to keep a hub honest and tidy, and nobody must: has distrusted keys revoked, shows the chain
 * receipts that contradict each other, claims what came back, makes room. Several may run: each act is looked up on chain
 * right before, and the contracts take it once.
 */
export class WatchdogService {
    readonly counters: WatchdogCounters = {
        rounds: 0,
        failures: 0,
        failuresInARow: 0,
        lastGoodAtMs: null,
        acts: { slash: 0, recheck: 0, claim: 0, prune: 0 },
        waiting: 0,
        costNano: 0n,
        contradictions: 0,
        stuckEscrows: 0,
        unreadableEscrows: 0,
    };
    private readonly known: KnownKeys;
    private readonly look: HubLook;
    private readonly changes: RegistryChanges;
    private readonly performer: ActPerformer;
    private readonly stuck: StuckCharges;
    private readonly receipts: SettleableReceipts;
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;
    private current: Promise<unknown> = Promise.resolve();
    /** By the monotonic clock. */
    private fullCheckAtMs = 0;
    /** Stays until a round has got to its end: a change that governance made is told once, and a look may fail. */
    private isFullCheckDue = false;
    private charges: ChargesSeen = { stuckEscrows: [], unreadableEscrows: 0 };

    constructor(private readonly options: WatchdogOptions) {
        const { keyHistory, dryRun } = options;
        const store = keyHistory && dryRun ? { load: () => keyHistory.load(), save: () => undefined } : keyHistory;
        this.known = new KnownKeys({ ...options, store });
        this.look = new HubLook(options, this.known);
        this.changes = new RegistryChanges(options);
        this.performer = new ActPerformer(options);
        this.stuck = new StuckCharges(options);
        this.receipts = new SettleableReceipts(options);
    }

    start(): void {
        this.loop ??= this.run();
    }

    /** Finishes what is under way, begins nothing more. */
    async stop(): Promise<void> {
        this.stopping.abort();
        await this.loop;
        await this.current;
    }

    /** One round; calls wait for each other. */
    watchOnce(): Promise<WatchSummary> {
        const next = this.current.then(() => this.counted(() => this.round()));
        this.current = next.catch(() => undefined);
        return next;
    }

    private async round(): Promise<WatchSummary> {
        const { sender, client, hub, clock, dryRun, pruneAboveNodes, fullCheckMs } = this.options;
        if (!dryRun) for (const kind of watchKinds) await sender.reconcile(kind, stateOf(this.options));
        await this.known.follow(this.stopping.signal);
        if ((await this.changes.haveChanged()) || clock.monotonicMs() >= this.fullCheckAtMs) this.isFullCheckDue = true;
        const isFull = this.isFullCheckDue;
        const view = await this.look.view(sender.wallet.address, isFull);
        this.known.save();
        const costNano = await actCostNano(client.open(Payout.createFromAddress(hub)));
        const acts = decideActs(view, {
            nowSec: await client.getChainTimeSec(),
            pruneAboveNodes,
            actCostNano: costNano('slash'),
        });
        const performed = await this.performer.perform(acts, costNano, this.stopping.signal);
        if (isFull) {
            this.charges = await this.stuck.look(await this.settleables());
            this.fullCheckAtMs = clock.monotonicMs() + fullCheckMs;
            this.isFullCheckDue = false;
        }
        return {
            keys: view.keys.length,
            contradictions: view.contradictions.length,
            acts: performed.map(({ kind, key, outcome }) => ({ kind, key, outcome })),
            costNano: performed.reduce((sum, one) => sum + one.costNano, 0n),
            ...this.charges,
        };
    }

    /** What is read of escrows tells of their charges; a log that can't be read says nothing of the others. */
    private async settleables(): Promise<Settleable[]> {
        const { settleables, unreadable } = await this.receipts.read();
        for (const { code, message } of unreadable)
            this.options.logger.warn(
                { code, error: message },
                'the log of a node cannot be read: the others are looked at',
            );
        return settleables;
    }

    private async counted(round: () => Promise<WatchSummary>): Promise<WatchSummary> {
        const { counters } = this;
        try {
            const summary = await round();
            counters.rounds++;
            counters.failuresInARow = 0;
            counters.lastGoodAtMs = this.options.clock.nowMs();
            counters.costNano += summary.costNano;
            counters.contradictions = summary.contradictions;
            counters.stuckEscrows = summary.stuckEscrows.length;
            counters.unreadableEscrows = summary.unreadableEscrows;
            const { acts } = summary;
            counters.waiting = acts.filter(({ outcome }) => outcome === 'held' || outcome === 'over_budget').length;
            for (const { kind, outcome } of acts) if (outcome === 'confirmed') counters.acts[kind]++;
            return summary;
        } catch (error) {
            counters.failures++;
            counters.failuresInARow++;
            throw error;
        }
    }

    private async run(): Promise<void> {
        const { clock, intervalMs, logger } = this.options;
        const { signal } = this.stopping;
        while (!signal.aborted) {
            try {
                const summary = await this.watchOnce();
                if (summary.acts.length > 0)
                    logger.info({ ...summary, costNano: summary.costNano.toString() }, 'watched');
            } catch (error) {
                logger.warn({ code: codeOf(error), error: errorMessage(error) }, 'watching failed, will try again');
            }
            await clock.sleep(intervalMs, signal).catch(() => undefined);
        }
    }
}
