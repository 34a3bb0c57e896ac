import type { Refusal } from '../dispatch';
import type { DispatcherLink } from './dispatcher-link';

/** What a delivery needs of a connection. */
export type DeliveryLink = Pick<DispatcherLink, 'sendFrames' | 'refuse'>;

export interface DeliveryOptions {
    requestId: Buffer;
    /** `h`: which bytes the answer is to. */
    requestHash: Buffer;
    /** Account id of the hub whose dispatcher brought the request: no other's may have the answer. */
    hub: Buffer;
    link: DeliveryLink;
    /** An answer that grows beyond this is kept no longer. */
    maxKeptBytes: number;
}

/**
 * One answer on its way: it goes to the connection that asked last, and is kept whole, so that a replica which takes the
 * request over gets it from its first byte. A replica needs the first byte: receipts name a hash over all of them.
 */
export class Delivery {
    private pieces: Buffer[] | undefined = [];
    private link: DeliveryLink | undefined;
    private refusal: Refusal | undefined;
    keptBytes = 0;

    constructor(readonly options: DeliveryOptions) {
        this.link = options.link;
    }

    /** Whether nobody would get what is sent. */
    get isAdrift(): boolean {
        return this.link === undefined;
    }

    goesBy(link: DeliveryLink): boolean {
        return this.link === link;
    }

    isOf(request: { requestHash: Buffer; hub: Buffer }): boolean {
        return this.options.requestHash.equals(request.requestHash) && this.options.hub.equals(request.hub);
    }

    send(wire: Buffer, when: 'now' | 'soon' = 'now'): void {
        this.keep(wire);
        this.link?.sendFrames(this.options.requestId, wire, when);
    }

    refuse(refusal: Refusal): void {
        this.refusal = refusal;
        this.link?.refuse(this.options.requestId, refusal);
    }

    /**
     * All of it so far, and what comes, goes to this connection and no other.
     * @returns false, and nothing changes, where it grew too long to be kept
     */
    resume(link: DeliveryLink): boolean {
        if (this.pieces === undefined) return false;
        this.link = link;
        const { requestId } = this.options;
        for (const piece of this.pieces) link.sendFrames(requestId, piece);
        if (this.refusal !== undefined) link.refuse(requestId, this.refusal);
        return true;
    }

    /** The connection has gone. */
    leave(): void {
        this.link = undefined;
    }

    forget(): void {
        this.pieces = undefined;
        this.keptBytes = 0;
    }

    private keep(wire: Buffer): void {
        if (this.pieces === undefined) return;
        this.pieces.push(wire);
        this.keptBytes += wire.length;
        if (this.keptBytes > this.options.maxKeptBytes) this.forget();
    }
}
