import { Address } from '@ton/core';
import PQueue from 'p-queue';
import { Payout, Provider } from '../../wrappers';
import { type Clock, CocoonError, errorMessage, type Logger } from '../base';
import { type ChainClient, ChainError, type NetworkReader } from '../chain';
import type { DispatchLedger } from '../ledger';
import type { OutboxSender } from '../outbox';
import { readSettleable } from '../settlement';
import { actCostNano } from './act-costs';
import {
    type Contradiction,
    decideActs,
    type TrustLists,
    type WatchAct,
    type WatchedKey,
    type WatchView,
} from './decide-acts';
import { ActDoneError } from './errors';
import { KnownKeys } from './known-keys';
import { RegistryChanges } from './registry-changes';
import { sendAct, stateOf, watchKinds } from './send-act';
import { StuckCharges } from './stuck-charges';

export interface WatchdogOptions {
    client: ChainClient;
    reader: NetworkReader;
    sender: OutboxSender;
    registry: Address;
    hub: Address;
    /** Where contradicting receipts and the escrows at work are known from; the logs of nodes tell of escrows only. */
    ledger?: DispatchLedger;
    nodeLogFiles?: readonly string[];
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

export interface WatchSummary {
    /** Keys looked at in this round. */
    keys: number;
    acts: {
        kind: WatchAct['kind'];
        key: string;
        outcome: 'confirmed' | 'abandoned' | 'open' | 'over_budget' | 'dry_run';
    }[];
    costNano: bigint;
    /** Escrows whose charge has waited for its acknowledgement for long: only the hub or its client can end that. */
    stuckEscrows: string[];
}

/** Sums since the start, for metrics. */
export interface WatchdogCounters {
    rounds: number;
    failures: number;
    acts: Record<WatchAct['kind'], number>;
    costNano: bigint;
    stuckEscrows: number;
}

const dayMs = 86_400_000;

/**
 * Does what anyone may do to keep a hub honest and tidy, and nobody must: has distrusted keys revoked, shows the chain
 * receipts that contradict each other, claims what came back, makes room. Several may run: each act is looked up on chain
 * right before, and the contracts take it once.
 */
export class WatchdogService {
    readonly counters: WatchdogCounters = {
        rounds: 0,
        failures: 0,
        acts: { slash: 0, recheck: 0, claim: 0, prune: 0 },
        costNano: 0n,
        stuckEscrows: 0,
    };
    private readonly known: KnownKeys;
    private readonly changes: RegistryChanges;
    private readonly stuck: StuckCharges;
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;
    private fullCheckAtMs = 0;

    constructor(private readonly options: WatchdogOptions) {
        this.known = new KnownKeys(options);
        this.changes = new RegistryChanges(options);
        this.stuck = new StuckCharges(options);
    }

    start(): void {
        this.loop ??= this.run();
    }

    /** Finishes what is under way, begins nothing more. */
    async stop(): Promise<void> {
        this.stopping.abort();
        await this.loop;
    }

    async watchOnce(): Promise<WatchSummary> {
        const place = this.options;
        for (const kind of watchKinds) await place.sender.reconcile(kind, stateOf(place));
        const isFull = (await this.changes.haveChanged()) || place.clock.nowMs() >= this.fullCheckAtMs;
        const view = await this.view(isFull);
        const costNano = await actCostNano(place.client.open(Payout.createFromAddress(place.hub)));
        const acts = decideActs(view, {
            nowSec: await place.client.getChainTimeSec(),
            pruneAboveNodes: place.pruneAboveNodes,
            actCostNano: costNano('slash'),
        });
        const summary: WatchSummary = { keys: view.keys.length, acts: [], costNano: 0n, stuckEscrows: [] };
        await this.perform(acts, costNano, summary);
        if (isFull) {
            summary.stuckEscrows = await this.stuck.look(await readSettleable(place));
            this.fullCheckAtMs = place.clock.nowMs() + place.fullCheckMs;
        }
        return this.counted(summary);
    }

    private async view(isFull: boolean): Promise<WatchView> {
        const { reader, client, hub, ledger } = this.options;
        const contradictions = (await ledger?.contradictions()) ?? [];
        if (isFull) await this.collectKeys();
        const accused = contradictions.map(({ other }) => other.receipt.nodeKey);
        const nodeKeys = isFull ? this.known.list() : [];
        const keys = await this.watched([...nodeKeys, ...accused]);
        const provider = new Map(keys.map((one) => [one.nodeKey.toString('hex'), one.provider]));
        const state = await reader.hub(hub, { refresh: true });
        return {
            keys,
            trust: await this.trust(),
            contradictions: contradictions.flatMap(({ kept, other }): Contradiction[] => {
                const { nodeKey } = other.receipt;
                const at = provider.get(nodeKey.toString('hex'));
                const { escrow, epoch } = other;
                return at ? [{ provider: at, nodeKey, escrow, epoch, receipts: [kept, other] }] : [];
            }),
            hubNodeCount: state?.nodeCount ?? 0,
            creditNano: await client.open(Payout.createFromAddress(hub)).getCredit(this.options.sender.wallet.address),
        };
    }

    /** A list that can't be read trusts nothing, so nothing may be concluded from it. */
    private async trust(): Promise<TrustLists> {
        const { reader } = this.options;
        const images = await reader.images({ refresh: true });
        const models = await reader.models({ refresh: true });
        const deniedPlatforms = await reader.deniedPlatforms({ refresh: true });
        if (images === null || models === null || deniedPlatforms === null)
            throw new ChainError('account_inactive', 'The registry is not on chain');
        return { images: new Set(images.keys()), models: new Set(models.keys()), deniedPlatforms };
    }

    private async collectKeys(): Promise<void> {
        await this.known.follow();
        for (const { receipt } of await readSettleable(this.options)) this.known.add(receipt.nodeKey);
    }

    private async watched(nodeKeys: readonly Buffer[]): Promise<WatchedKey[]> {
        const unique = [...new Map(nodeKeys.map((one) => [one.toString('hex'), one])).values()];
        const queue = new PQueue({ concurrency: 4 });
        const found = await queue.addAll(unique.map((nodeKey) => () => this.watchedKey(nodeKey)));
        return found.filter((one) => one !== null);
    }

    private async watchedKey(nodeKey: Buffer): Promise<WatchedKey | null> {
        const { reader, hub, registry } = this.options;
        const admitted = await reader.node(hub, nodeKey, { refresh: true });
        if (admitted === null) {
            this.known.forget(nodeKey);
            return null;
        }
        const owner = new Address(0, admitted.ownerId);
        const { address: provider } = await Provider.createFromConfig({ registry, owner });
        return {
            nodeKey,
            provider,
            admitted,
            recorded: await reader.providerKey(provider, nodeKey, { refresh: true }),
        };
    }

    private async perform(
        acts: readonly WatchAct[],
        costNano: (kind: WatchAct['kind']) => bigint,
        summary: WatchSummary,
    ): Promise<void> {
        const { sender, dryRun, logger } = this.options;
        let leftNano = await this.leftTodayNano();
        const queue = new PQueue({ concurrency: sender.wallet.maxUnderWay });
        const performed = acts.map((act) => async () => {
            const { kind, key } = act;
            const isOver = leftNano !== null && costNano(kind) > leftNano;
            if (dryRun || isOver || this.stopping.signal.aborted) {
                summary.acts.push({ kind, key, outcome: dryRun ? 'dry_run' : isOver ? 'over_budget' : 'open' });
                return;
            }
            if (leftNano !== null) leftNano -= costNano(kind);
            const { result, error, outcomes } = await sendAct(this.options, act, costNano(kind));
            if (error !== null && !(error instanceof ActDoneError))
                logger.warn({ kind, key, code: codeOf(error), error: error.message }, 'an act failed');
            summary.costNano += result?.feeNano ?? 0n;
            summary.acts.push({ kind, key, outcome: outcomes[0]! });
        });
        await queue.addAll(performed);
    }

    private async leftTodayNano(): Promise<bigint | null> {
        const { sender, maxFeePerDayNano, clock } = this.options;
        if (maxFeePerDayNano === undefined) return null;
        const spent = await sender.outbox.spentNano(sender.wallet.address.toRawString(), clock.nowMs() - dayMs);
        return maxFeePerDayNano - spent;
    }

    private counted(summary: WatchSummary): WatchSummary {
        const { counters } = this;
        counters.rounds++;
        counters.costNano += summary.costNano;
        counters.stuckEscrows = summary.stuckEscrows.length;
        for (const { kind, outcome } of summary.acts) if (outcome === 'confirmed') counters.acts[kind]++;
        return summary;
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
                this.counters.failures++;
                logger.warn({ code: codeOf(error), error: errorMessage(error) }, 'watching failed, will try again');
            }
            await clock.sleep(intervalMs, signal).catch(() => undefined);
        }
    }
}

function codeOf(error: unknown): string {
    return error instanceof CocoonError ? (error as CocoonError).code : 'unexpected';
}
