import { type Clock } from '../base';
import { Delivery, type DeliveryLink } from './delivery';

export interface DeliveriesOptions {
    clock: Clock;
    /** One answer. */
    maxKeptBytes?: number;
    /** All that have ended together; the oldest go first. */
    maxTotalBytes?: number;
    /** An answer that has ended may have died in a replica that took it: it is kept this long for another one. */
    keptAfterEndMs?: number;
}

/** Answers under way, and those that ended a moment ago. */
export class Deliveries {
    private readonly under = new Map<string, Delivery>();
    /** In the order they ended. */
    private readonly ended = new Map<string, { delivery: Delivery; endedAtMs: number }>();
    private endedBytes = 0;

    constructor(private readonly options: DeliveriesOptions) {}

    get size(): number {
        return this.under.size;
    }

    begin(request: { requestId: Buffer; requestHash: Buffer; hub: Buffer }, link: DeliveryLink): Delivery {
        const { maxKeptBytes = 1024 * 1024 } = this.options;
        // Copies: what is kept must not hold on to a large envelope.
        const [requestId, requestHash] = [Buffer.from(request.requestId), Buffer.from(request.requestHash)];
        const delivery = new Delivery({ requestId, requestHash, hub: request.hub, link, maxKeptBytes });
        this.under.set(requestId.toString('hex'), delivery);
        return delivery;
    }

    /** Under way or just ended. */
    find(requestId: Buffer): Delivery | undefined {
        const id = requestId.toString('hex');
        return this.under.get(id) ?? this.ended.get(id)?.delivery;
    }

    end(requestId: Buffer): void {
        const id = requestId.toString('hex');
        const delivery = this.under.get(id);
        if (delivery === undefined) return;
        this.under.delete(id);
        this.forget(id);
        this.ended.set(id, { delivery, endedAtMs: this.options.clock.monotonicMs() });
        this.endedBytes += delivery.keptBytes;
        this.expire();
    }

    /** Those that the connection was to get, from now on adrift. */
    leave(link: DeliveryLink): Delivery[] {
        const left = [...this.under.values()].filter((delivery) => delivery.goesBy(link));
        for (const delivery of left) delivery.leave();
        return left;
    }

    expire(): void {
        const { clock, keptAfterEndMs = 30_000, maxTotalBytes = 128 * 1024 * 1024 } = this.options;
        const now = clock.monotonicMs();
        for (const [id, { endedAtMs }] of this.ended) {
            if (now - endedAtMs < keptAfterEndMs && this.endedBytes <= maxTotalBytes) break;
            this.forget(id);
        }
    }

    /** An id that comes again takes the place of what ended under it. */
    private forget(id: string): void {
        this.endedBytes -= this.ended.get(id)?.delivery.keptBytes ?? 0;
        this.ended.delete(id);
    }
}
