import { randomBytes } from 'node:crypto';
import { newRequestId, type Signer, signerFromSeed } from '../../../keepers/confidential';
import { capOf, encodeEnvelope, gcmNonceBytes, gcmTagBytes, requestHash } from '../../../keepers/confidential/envelope';
import { suiteSizes } from '../../../keepers/confidential/hpke';
import { encodeContext, type RequestContext } from '../../../keepers/confidential/request-context';
import { sha256 } from '../../../wrappers/digest';
import type { AdmissionWork } from './admit-all';
import { digestOf, escrowAt, network, nodeKeyAt } from './places';
import type { Size } from './size';

const suite = 1;
const deadlineMs = 600_000;
const capNano = 10_000n;
const sealedBytes = 1024 + gcmTagBytes;
const wrappedKeyBytes = 32 + gcmTagBytes;

/**
 * Requests of escrows spread over all, and what the chain knows of every escrow. Those that send nothing have a session
 * key that nobody made.
 */
export function sealRequests({ nodes, escrows, admissions }: Size): AdmissionWork {
    const apart = Math.floor(escrows / admissions);
    const keys = Array.from({ length: escrows }, (_unused, index) => digestOf(`session key ${index}`));
    const envelopes = Array.from({ length: admissions }, (_unused, index) => {
        const session = signerFromSeed(digestOf(`session ${index}`));
        keys[index * apart] = session.publicKey;
        return sealed(contextOf(index * apart, index % nodes), session);
    });
    return {
        envelopes: Buffer.concat(envelopes),
        envelopeBytes: envelopes[0]!.length,
        escrows: Buffer.concat(keys.flatMap((key, index) => [escrowAt(index), key])),
    };
}

function contextOf(escrow: number, node: number): RequestContext {
    return {
        suite,
        network,
        escrow: escrowAt(escrow),
        epoch: 1,
        nodeKey: nodeKeyAt(node),
        kemEpoch: 1,
        offerHash: digestOf('offer'),
        requestId: newRequestId(Date.now()),
        deadlineMs: Date.now() + deadlineMs,
        allowanceNano: capNano,
    };
}

/** Context, cap and signature are real; what only the node could open is noise of the right length. */
function sealed(context: RequestContext, session: Signer): Buffer {
    const encoded = encodeContext(context);
    const nonce = randomBytes(gcmNonceBytes);
    const body = randomBytes(sealedBytes);
    const enc = randomBytes(suiteSizes[suite].encBytes);
    const cap = capOf(context, requestHash(sha256(encoded), nonce, body), capNano);
    const parts = { context: encoded, nonce, enc, ct: randomBytes(wrappedKeyBytes), sealed: body };
    return encodeEnvelope(parts, cap, session);
}
