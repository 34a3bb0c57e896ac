import type { ParsedEnvelope } from '../confidential';
import { type Admission, DispatchError } from '../dispatch';
import type { DispatchLedger } from '../ledger';

export interface TakeOverOptions {
    ledger: Pick<DispatchLedger, 'requestState' | 'takeRequest'>;
    admission: Pick<Admission, 'checkSignature'>;
    nowMs: number;
}

/**
 * Takes over a request that another replica recorded, with its reservation: nothing is admitted or set aside anew.
 * @returns false where no replica has recorded it: then it is a new one
 * @throws DispatchError when it is not that request, or its node refused it: then nothing is owed
 */
export async function takeOver(envelope: ParsedEnvelope, options: TakeOverOptions): Promise<boolean> {
    const { ledger, admission, nowMs } = options;
    const { requestId } = envelope.context;
    const known = await ledger.requestState(requestId);
    if (known === null) return false;
    if (!known.requestHash.equals(envelope.requestHash))
        throw new DispatchError('request_replayed', 'another request was sent under this id');
    // The node may see the cap for the first time: it must be one that can be settled from this ledger.
    admission.checkSignature(envelope);
    if (!envelope.sessionKey.equals(known.sessionKey) || envelope.cap.cumulativeNano > known.capCumulativeNano)
        throw new DispatchError('cap_invalid', 'the request was recorded under another cap');
    if (known.state === 'refused' || known.state === 'failed') {
        const nodeCode = known.failureCode ?? undefined;
        throw new DispatchError('node_refused', 'the request was refused by way of another replica', { nodeCode });
    }
    await ledger.takeRequest(requestId, nowMs);
    return true;
}
