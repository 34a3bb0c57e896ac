import PQueue from 'p-queue';
import { type Clock, CocoonError, type Logger } from '../base';
import { noEffect } from '../outbox';
import { HeldLines } from '../settlement';
import type { WatchAct } from './decide-acts';
import { ActDoneError } from './errors';
import { type ActPlace, sendAct, watchKinds } from './send-act';

export type ActOutcome =
    | 'confirmed'
    | 'abandoned'
    | 'open'
    /** The day's gas is spent. */
    | 'over_budget'
    /** The chain refused it before: it waits. */
    | 'held'
    /** The watchdog is stopping. */
    | 'stopping'
    | 'dry_run';

export interface PerformedAct {
    kind: WatchAct['kind'];
    key: string;
    outcome: ActOutcome;
    costNano: bigint;
}

export interface PerformOptions extends ActPlace {
    maxFeePerDayNano?: bigint;
    dryRun?: boolean;
    clock: Clock;
    logger: Logger;
}

const dayMs = 86_400_000;

/** How the outbox closed an act that was executed and came to nothing. */
const refused: (string | null)[] = [noEffect, 'transaction_failed'];

/** Sends acts, as many at once as the wallet can, within the day's gas; what the chain refused waits the longer the more often. */
export class ActPerformer {
    private readonly holds = new HeldLines();
    private holdsLoaded = false;

    constructor(private readonly options: PerformOptions) {}

    async perform(
        acts: readonly WatchAct[],
        costNano: (kind: WatchAct['kind']) => bigint,
        signal: AbortSignal,
    ): Promise<PerformedAct[]> {
        await this.loadHolds();
        const { sender, clock, dryRun } = this.options;
        const nowSec = Math.floor(clock.nowMs() / 1000);
        let leftNano = await this.leftTodayNano();
        const queue = new PQueue({ concurrency: sender.wallet.maxUnderWay });
        const performed = acts.map((act) => async (): Promise<PerformedAct> => {
            const { kind, key } = act;
            const left = (outcome: ActOutcome) => ({ kind, key, outcome, costNano: 0n });
            if (this.holds.isHeld({ line: lineOf(act), fingerprint: null, deadlineSec: null }, nowSec))
                return left('held');
            if (dryRun) return left('dry_run');
            if (signal.aborted) return left('stopping');
            if (leftNano !== null && costNano(kind) > leftNano) return left('over_budget');
            if (leftNano !== null) leftNano -= costNano(kind);
            return { kind, key, ...(await this.performOne(act, costNano(kind), nowSec)) };
        });
        return queue.addAll(performed);
    }

    private async performOne(
        act: WatchAct,
        estimatedFeeNano: bigint,
        nowSec: number,
    ): Promise<{ outcome: ActOutcome; costNano: bigint }> {
        const { kind, key } = act;
        const { result, error, outcomes } = await sendAct(this.options, act, estimatedFeeNano);
        const code = error === null ? null : codeOf(error);
        if (error !== null && !(error instanceof ActDoneError))
            this.options.logger.warn({ kind, key, code, error: error.message }, 'an act failed');
        const outcome = outcomes[0]!;
        if (outcome === 'confirmed') this.holds.noteSuccess(lineOf(act));
        else if (outcome === 'abandoned' && (code === null || code === 'transaction_failed'))
            this.hold(lineOf(act), nowSec);
        return { outcome, costNano: result?.feeNano ?? 0n };
    }

    /** Nothing tells whether the chain would judge it otherwise now. */
    private hold(line: string, failedAtSec: number): void {
        this.holds.noteFailure({ line, fingerprint: null, failedAtSec, deadlineSec: null });
    }

    private async loadHolds(): Promise<void> {
        if (this.holdsLoaded) return;
        const { outbox } = this.options.sender;
        const since = { state: 'abandoned', sinceMs: this.options.clock.nowMs() - 2 * dayMs } as const;
        for (const kind of watchKinds)
            for (const { key, errorCode, updatedAtMs } of await outbox.closed(kind, since))
                if (refused.includes(errorCode)) this.hold(`${kind}/${key}`, Math.floor(updatedAtMs / 1000));
        this.holdsLoaded = true;
    }

    private async leftTodayNano(): Promise<bigint | null> {
        const { sender, maxFeePerDayNano, clock } = this.options;
        if (maxFeePerDayNano === undefined) return null;
        const spent = await sender.outbox.spentNano(sender.wallet.address.toRawString(), clock.nowMs() - dayMs);
        return maxFeePerDayNano - spent;
    }
}

function lineOf({ kind, key }: WatchAct): string {
    return `watch-${kind}/${key}`;
}

export function codeOf(error: unknown): string {
    return error instanceof CocoonError ? (error as CocoonError).code : 'unexpected';
}
