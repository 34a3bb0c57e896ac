import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { ConfidentialError, misuse } from './errors';
import { isSuite, type Suite } from './hpke';

/** What everyone on the way may read of a request; its hash is bound into ciphertext, `h` and cap. */
export interface RequestContext {
    suite: Suite;
    network: Buffer;
    escrow: Buffer;
    /** of the escrow */
    epoch: number;
    nodeKey: Buffer;
    kemEpoch: number;
    offerHash: Buffer;
    /** 16 bytes */
    requestId: Buffer;
    /** Unix milliseconds after which nobody starts the work */
    deadlineMs: number;
    /** The cap covers the first window alone and is raised while the answer streams; without it, the whole worst case. */
    windowed?: boolean;
    /**
     * What the request may cost under its first cap: the worst case, or the first window of it. Stated, since a cap is a sum
     * over a stream: how far it rises says what one request may use only while no other of the stream is under way.
     */
    allowanceNano: bigint;
}

const version = 2;
/** How the cap grows. */
const profiles = { whole: 0, windowed: 1 } as const;

export function encodeContext(context: RequestContext): Buffer {
    if (!isSuite(context.suite)) throw misuse(`suite ${context.suite as number} is unknown`);
    return new ByteWriter()
        .tag('CReq')
        .u8('version', version)
        .u8('suite', context.suite)
        .fixed('network', context.network, 32)
        .fixed('escrow', context.escrow, 32)
        .u32('epoch', context.epoch)
        .fixed('nodeKey', context.nodeKey, 32)
        .u32('kemEpoch', context.kemEpoch)
        .fixed('offerHash', context.offerHash, 32)
        .fixed('requestId', context.requestId, 16)
        .u64Safe('deadlineMs', context.deadlineMs)
        .u8('profile', context.windowed ? profiles.windowed : profiles.whole)
        .u96('allowanceNano', context.allowanceNano)
        .finish();
}

export function decodeContext(bytes: Buffer): RequestContext {
    const reader = new ByteReader(bytes, 'envelope_invalid', 'request context');
    reader.tag('CReq');
    if (reader.u8() !== version) reader.fail('unknown version');
    const suite = reader.u8();
    if (!isSuite(suite)) return reader.fail(`suite ${suite} is unknown`);
    const fields = {
        suite,
        network: reader.fixed(32),
        escrow: reader.fixed(32),
        epoch: reader.u32(),
        nodeKey: reader.fixed(32),
        kemEpoch: reader.u32(),
        offerHash: reader.fixed(32),
        requestId: reader.fixed(16),
        deadlineMs: reader.u64Safe(),
    };
    const profile = reader.u8();
    if (profile !== profiles.whole && profile !== profiles.windowed) reader.fail('unknown profile');
    const context: RequestContext = { ...fields, allowanceNano: reader.u96() };
    reader.end();
    return profile === profiles.windowed ? { ...context, windowed: true } : context;
}

export interface ContextExpectation {
    network: Buffer;
    nodeKey: Buffer;
    /** whether the node still stands by that offer */
    knowsOffer: (offerHash: Buffer) => boolean;
    nowMs: number;
}

/** What a node checks before it spends anything on a request. The KEM epoch is the keyring's to know. */
export function checkContext(context: RequestContext, expected: ContextExpectation): void {
    if (!context.network.equals(expected.network) || !context.nodeKey.equals(expected.nodeKey)) {
        throw new ConfidentialError('context_not_ours', 'the request is meant for another network or node');
    }
    if (context.deadlineMs <= expected.nowMs) {
        throw new ConfidentialError('deadline_passed', 'the deadline of the request has passed');
    }
    if (!expected.knowsOffer(context.offerHash)) {
        throw new ConfidentialError('offer_unknown', 'the request accepts an offer that is not in force');
    }
}
