import { parseEnvelope, type ParsedEnvelope } from '../confidential';
import { DispatchError } from '../dispatch';

/** A request as a gateway sent it, read as far as a dispatcher can. */
export interface ReceivedRequest {
    envelope: ParsedEnvelope;
    envelopeBytes: Buffer;
    /** Set where another replica may have passed it on: bytes of the answer that the gateway has. */
    resumeFrom?: number;
}

/** @throws DispatchError `envelope_invalid` */
export function receiveRequest(envelopeBytes: Buffer, resumeFrom?: number): ReceivedRequest {
    try {
        return { envelope: parseEnvelope(envelopeBytes), envelopeBytes, resumeFrom };
    } catch (error) {
        const message = error instanceof Error ? error.message : 'the envelope is malformed';
        throw new DispatchError('envelope_invalid', message, { cause: error });
    }
}
