import { createHash, randomBytes } from 'node:crypto';
import { encodeEnvelope, requestHash, capOf } from '../../../keepers/confidential/envelope';
import { encodeContext, type RequestContext } from '../../../keepers/confidential/request-context';
import { suiteSizes } from '../../../keepers/confidential/hpke';
import { sha256 } from '../../../wrappers/digest';
import { network, node, session } from './bench-network';

export interface SealedTerms {
    offerHash: Buffer;
    worstCaseNano: bigint;
}

const deadlineMs = 10 * 60_000;
const sealedBytes = 1024 + 16;

/**
 * A request as a dispatcher sees it: context, cap and signature are real, what only the node can open is noise of the
 * right length. Its content key follows from its id, so the mock node needs no key exchange. Each has an escrow of its own.
 */
export function sealedRequest({ offerHash, worstCaseNano }: SealedTerms): { requestId: Buffer; envelope: Buffer } {
    const requestId = randomBytes(16);
    const context: RequestContext = {
        suite: 1,
        network,
        escrow: randomBytes(32),
        epoch: 1,
        nodeKey: node.publicKey,
        kemEpoch: 1,
        offerHash,
        requestId,
        deadlineMs: Date.now() + deadlineMs,
        allowanceNano: worstCaseNano,
    };
    const encoded = encodeContext(context);
    const nonce = randomBytes(12);
    const sealed = randomBytes(sealedBytes);
    const parts = { context: encoded, nonce, enc: randomBytes(suiteSizes[1].encBytes), ct: randomBytes(48), sealed };
    const h = requestHash(sha256(encoded), nonce, sealed);
    return { requestId, envelope: encodeEnvelope(parts, capOf(context, h, worstCaseNano), session) };
}

export function contentKeyOf(requestId: Buffer): Buffer {
    return createHash('sha256').update('bench content key').update(requestId).digest();
}
