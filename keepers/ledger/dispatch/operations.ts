import type { CapRaiseRecord, CapRecord, DispatchRequestState, ReceiptRecord } from '../dispatch-records';
import type { StreamId } from '../records';

/**
 * One change of the dispatcher's ledger, as data. Operations of one batch share a transaction; each is decided by the
 * rules in `rules.ts` on what `needs` of it was loaded.
 */
export type Operation =
    | { kind: 'cap'; cap: CapRecord; dispatcherId: string; onAccepted?: () => void }
    | { kind: 'raise'; raise: CapRaiseRecord }
    | { kind: 'receipt'; record: ReceiptRecord }
    | {
          kind: 'close';
          requestId: Buffer;
          state: DispatchRequestState;
          failureCode: string | null;
          atMs: number;
          dispatcherId: string;
      }
    /** A request that another dispatcher relayed is this one's from now on. */
    | { kind: 'take'; requestId: Buffer; dispatcherId: string; atMs: number }
    | { kind: 'paid'; stream: StreamId; paidNano: bigint; transactionHash: string | null; atMs: number }
    /** Every running request of one dispatcher. */
    | { kind: 'lose'; dispatcherId: string; failureCode: string; atMs: number }
    /** Every open request of one stream. */
    | { kind: 'release'; stream: StreamId; failureCode: string; atMs: number };

/** A refused operation has changed nothing. */
export type Outcome = { value: unknown } | { error: unknown };

/** What it decides on is known only once the batch before it is committed: it comes first in the next one. */
export const deferred = Symbol('deferred');

export type Decision = Outcome | typeof deferred;

/**
 * Tells whoever wants to know early that the rules took its operation: to be called once a batch is decided, before it is
 * saved and committed. Only a failing commit can still undo it.
 */
export function announce(operations: readonly Operation[], decisions: readonly Decision[]): void {
    operations.forEach((operation, i) => {
        const decision = decisions[i]!;
        if (operation.kind === 'cap' && decision !== deferred && 'value' in decision) operation.onAccepted?.();
    });
}

/** Touches rows that can't be named beforehand: such an operation is a batch of its own. */
export function standsAlone(operation: Operation): boolean {
    return operation.kind === 'lose' || operation.kind === 'release';
}
