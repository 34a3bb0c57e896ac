import { type Cap, capDigest } from '../../wrappers/cap';
import { sha256 } from '../../wrappers/digest';
import { type AnswerBinding } from './answer-receipt';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { ConfidentialError } from './errors';
import { signatureBytes, type Signer, verifySignature } from './signing';

/** A new cap for a request that is running; see docs/protocol.md, "Windows". */
export interface CapRaise {
    /** 16 bytes */
    requestId: Buffer;
    /** what this request may cost from now on; only ever goes up */
    allowanceNano: bigint;
    /** as in every cap */
    cumulativeNano: bigint;
    capSignature: Buffer;
}

/** The running request that a raise is about. */
export type RaisedRequest = Pick<
    AnswerBinding,
    'network' | 'escrow' | 'epoch' | 'nodeKey' | 'sessionKey' | 'requestHash'
>;

const version = 1;
const tag = 'CRai';

/** "CRai" | version u8 = 1 | request_id bytes[16] | allowance u96 | cumulative u96 | cap_signature bytes[64] */
export function encodeCapRaise(raise: CapRaise): Buffer {
    return new ByteWriter()
        .tag(tag)
        .u8('version', version)
        .fixed('requestId', raise.requestId, 16)
        .u96('allowanceNano', raise.allowanceNano)
        .u96('cumulativeNano', raise.cumulativeNano)
        .fixed('capSignature', raise.capSignature, signatureBytes)
        .finish();
}

/** @throws ConfidentialError `cap_invalid` */
export function decodeCapRaise(bytes: Buffer): CapRaise {
    const reader = new ByteReader(Buffer.from(bytes), 'cap_invalid', 'cap raise');
    reader.tag(tag);
    if (reader.u8() !== version) reader.fail('unknown version');
    const raise = {
        requestId: reader.fixed(16),
        allowanceNano: reader.u96(),
        cumulativeNano: reader.u96(),
        capSignature: reader.fixed(signatureBytes),
    };
    reader.end();
    return raise;
}

/**
 * What stands for `h` in a raised cap: the contracts take any 32 bytes there, so that the one signature that pays a node
 * also says how much of it this request may use.
 */
export function capWindowHash(requestHash: Buffer, allowanceNano: bigint): Buffer {
    return sha256(new ByteWriter().tag('CWin').raw(requestHash).u96('allowanceNano', allowanceNano).finish());
}

export function raisedCapOf(request: RaisedRequest, raise: Pick<CapRaise, 'allowanceNano' | 'cumulativeNano'>): Cap {
    const { network, escrow, epoch, nodeKey, requestHash } = request;
    const { allowanceNano, cumulativeNano } = raise;
    return { network, escrow, epoch, nodeKey, cumulativeNano, requestHash: capWindowHash(requestHash, allowanceNano) };
}

export function signCapRaise(request: RaisedRequest, raise: Omit<CapRaise, 'capSignature'>, signer: Signer): CapRaise {
    return { ...raise, capSignature: signer.sign(capDigest(raisedCapOf(request, raise))) };
}

/** @throws ConfidentialError `cap_invalid` unless the session that asked the request signed the raise */
export function checkCapRaise(request: RaisedRequest, raise: CapRaise): void {
    const digest = capDigest(raisedCapOf(request, raise));
    if (verifySignature({ publicKey: request.sessionKey, digest, signature: raise.capSignature })) return;
    throw new ConfidentialError('cap_invalid', 'the raised cap is not signed by the session of the request');
}
