import { type CapRaise, ConfidentialError, decodeCapRaise, type ParsedEnvelope } from '../confidential';
import { type Admission, type CapBook, DispatchError, type NodeLink } from '../dispatch';

interface RunningRequest {
    envelope: ParsedEnvelope;
    link: NodeLink;
}

/** Raised caps of the requests that run: on disk first, then to the node. */
export class CapRaises {
    private readonly running = new Map<string, RunningRequest>();

    constructor(
        private readonly admission: Admission,
        private readonly caps: CapBook,
    ) {}

    begin(envelope: ParsedEnvelope, link: NodeLink): void {
        if (envelope.context.windowed) this.running.set(idOf(envelope.context.requestId), { envelope, link });
    }

    /** One that was taken over here goes on under another envelope object. */
    end(envelope: ParsedEnvelope): void {
        const id = idOf(envelope.context.requestId);
        if (this.running.get(id)?.envelope === envelope) this.running.delete(id);
    }

    /** The same raise again is passed on again, since a node takes each only once. @throws DispatchError */
    async pass(requestId: Buffer, bytes: Buffer): Promise<void> {
        const raise = readRaise(bytes);
        const running = this.running.get(idOf(requestId));
        if (running === undefined || !raise.requestId.equals(requestId))
            throw new DispatchError('request_unknown', 'no such request runs here with a cap that can be raised');
        await this.admission.raise(running.envelope, raise);
        this.caps.raise(running.envelope.context, raise.cumulativeNano);
        running.link.raise(requestId, bytes);
    }
}

function readRaise(bytes: Buffer): CapRaise {
    try {
        return decodeCapRaise(bytes);
    } catch (error) {
        if (error instanceof ConfidentialError) throw new DispatchError('cap_invalid', error.message, { cause: error });
        throw error;
    }
}

function idOf(requestId: Buffer): string {
    return requestId.toString('hex');
}
