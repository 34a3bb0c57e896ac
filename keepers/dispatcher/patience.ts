import { DispatchError } from '../dispatch';

export function gatewayGone(): DispatchError {
    return new DispatchError('deadline_passed', 'the gateway went away');
}

function late(): DispatchError {
    return new DispatchError('deadline_passed', 'the deadline passed while the request waited for the node');
}

/** Aborts when nobody would use the answer any more: the gateway has gone or the deadline is over. */
export function patienceOf(cancelled: AbortSignal, leftMs: number): { signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const onCancel = () => controller.abort(gatewayGone());
    const timer = setTimeout(() => controller.abort(late()), leftMs);
    if (cancelled.aborted) onCancel();
    cancelled.addEventListener('abort', onCancel, { once: true });
    const end = () => {
        clearTimeout(timer);
        cancelled.removeEventListener('abort', onCancel);
    };
    return { signal: controller.signal, end };
}
