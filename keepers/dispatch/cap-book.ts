import type { RequestContext } from '../confidential';

/** The highest cap seen for one node under one escrow and epoch; shared by all requests of that stream. */
export interface StreamCap {
    highestNano: bigint;
}

/**
 * Requests of one stream interleave: an earlier one may end after a later one, with a sum above its own cap and within
 * the later one's. So receipts are held against the highest cap of the stream, which never falls.
 */
export class CapBook {
    private readonly streams = new Map<string, StreamCap>();

    constructor(private readonly maxStreams = 500_000) {}

    raise(context: Pick<RequestContext, 'escrow' | 'epoch' | 'nodeKey'>, capCumulativeNano: bigint): StreamCap {
        const id = `${context.escrow.toString('hex')}/${context.epoch}/${context.nodeKey.toString('hex')}`;
        const stream = this.streams.get(id) ?? { highestNano: 0n };
        if (capCumulativeNano > stream.highestNano) stream.highestNano = capCumulativeNano;
        this.streams.delete(id);
        this.streams.set(id, stream);
        if (this.streams.size > this.maxStreams) this.streams.delete(this.streams.keys().next().value!);
        return stream;
    }
}
