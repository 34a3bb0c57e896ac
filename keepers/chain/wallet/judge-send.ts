import type { SendFate } from '../../base';

/** What one state of the wallet's account says about a slot. `unknown`: it no longer, or not yet, can say. */
export type SlotState = 'free' | 'taken' | 'unknown';

/**
 * What the account's transactions since the request was signed say:
 * - `match`: the request's own is among them; - `without`: they were all seen, and it is not;
 * - `lagging`: nobody could show them; - `gone`: two operators no longer have the oldest;
 * - `unread`: nobody looked
 */
export type HistoryState = 'match' | 'without' | 'lagging' | 'gone' | 'unread';

export interface SendObservation {
    slot: SlotState;
    /** The state that `slot` is of is from after the request's time. */
    isOver: boolean;
    history: HistoryState;
}

/** Blocks of masterchain and shards carry times a little apart. */
export const expiryMarginSec = 10;

/**
 * For a state older than the one that the request was signed on: its endpoint lags behind the time that it tells, which is
 * over in minutes, or the logical time at the signing was a lie, and nothing newer may ever come.
 */
export const staleMarginSec = 600;

/**
 * What became of a request, as far as it can be known: null while it may still be executed, or may have been. New bytes
 * are signed only after `expired` or `overtaken`, so a wrong word here would pay twice.
 */
export function judgeSend({ slot, isOver, history }: SendObservation): SendFate | null {
    if (history === 'match') return 'executed';
    if (slot === 'free') return isOver ? 'expired' : null;
    if (history === 'without') {
        if (slot === 'taken') return 'overtaken';
        return isOver ? 'expired' : null;
    }
    return history === 'gone' && isOver ? 'untraced' : null;
}
