import fc from 'fast-check';
import { capDigest } from '../../../wrappers/cap';
import {
    checkCap,
    checkContext,
    finishEnvelope,
    signRequestCap,
    type InnerRequest,
    keptHeaders,
    parseEnvelope,
    type ParsedEnvelope,
    prepareRequest,
    type RequestContext,
} from '../../../keepers/confidential';
import { encodeEnvelope } from '../../../keepers/confidential/envelope';
import { decodeInnerRequest, encodeInnerRequest } from '../../../keepers/confidential/inner-request';
import { frameBucket, isRequestBucket, requestBucket, unpadRequest } from '../../../keepers/confidential/padding';
import { decodeContext, encodeContext } from '../../../keepers/confidential/request-context';
import {
    bytesOf,
    capCumulativeNano,
    codeOf,
    type Exchange,
    exchange,
    expectCode,
    flipped,
    fixedRandom,
    inner,
    network,
    node,
    nowMs,
    offer,
    session,
    startNode,
    stranger,
} from './exchange';

let sent: Exchange;
beforeAll(async () => {
    sent = await exchange(2);
});

/** What someone who holds the session key can make of an envelope: other parts, and a cap that fits them. */
function remade(envelope: ParsedEnvelope, change: Partial<ParsedEnvelope>, context: Partial<RequestContext> = {}) {
    const parts = { ...envelope, ...change, context: encodeContext({ ...envelope.context, ...context }) };
    const unsigned = encodeEnvelope(parts, envelope.cap, session);
    const { cap } = parseEnvelope(unsigned);
    return parseEnvelope(encodeEnvelope(parts, cap, session));
}

describe.each([1, 2] as const)('a request in suite %i', (suite) => {
    it('reaches the node as it was, and is named by the same h on the way', async () => {
        const { keyring, bytes, request } = await exchange(suite);
        const envelope = parseEnvelope(bytes);
        checkCap(envelope);
        expect(envelope.requestHash).toEqual(request.requestHash);
        expect(envelope.context).toEqual(request.context);
        expect(envelope.context.suite).toBe(suite);
        expect(envelope.cap.cumulativeNano).toBe(capCumulativeNano);
        const opened = await keyring.open(envelope);
        expect(opened).toEqual({ inner, cek: request.cek });
    });

    it('opens with no other key', async () => {
        const { envelope, certificate } = await exchange(suite);
        const other = await startNode(suite);
        const same = await prepareRequest({
            context: { ...envelope.context },
            inner,
            certificate: { ...certificate, publicKey: certificate.publicKey, hash: bytesOf('another certificate') },
        });
        const substituted = parseEnvelope(finishEnvelope(same, signRequestCap(same, session, 1n)));
        await expectCode('request_undecryptable', () => other.keyring.open(substituted));
    });
});

describe('an envelope', () => {
    it('is refused after any bit flips: by its form, by its cap, or by the node', async () => {
        const { bytes } = sent;
        const { keyring } = await startNode(2);
        const intact: number[] = [];
        for (let index = 0; index < bytes.length; index++) {
            const altered = flipped(bytes, index, index % 8);
            const code = await codeOf(() => checkCap(parseEnvelope(altered)));
            if (code === undefined) intact.push(index);
            else expect(['envelope_invalid', 'cap_invalid']).toContain(code);
        }
        // Only the wrapped content key lies outside `h`, and there the node notices.
        expect(intact).toHaveLength(32 + 48);
        for (const index of intact) {
            const altered = parseEnvelope(flipped(bytes, index, index % 8));
            await expectCode('request_undecryptable', () => keyring.open(altered));
        }
        await keyring.open(parseEnvelope(bytes));
    });

    it('is refused when cut or continued', async () => {
        const { bytes } = sent;
        for (let length = 0; length < bytes.length; length += 3) {
            await expectCode('envelope_invalid', () => parseEnvelope(bytes.subarray(0, length)));
        }
        await expectCode('envelope_invalid', () => parseEnvelope(Buffer.concat([bytes, Buffer.alloc(1)])));
    });

    it('never crashes on other bytes', async () => {
        const { bytes } = sent;
        await fc.assert(
            fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.nat(bytes.length), async (noise, kept) => {
                const code = await codeOf(() => parseEnvelope(Buffer.concat([bytes.subarray(0, kept), noise])));
                expect([undefined, 'envelope_invalid']).toContain(code);
            }),
            { numRuns: 200 },
        );
    });

    it('is refused above 32 MiB before it is read', async () => {
        const { bytes } = sent;
        const huge = Buffer.concat([bytes, Buffer.alloc(32 * 1024 * 1024)]);
        await expectCode('envelope_invalid', () => parseEnvelope(huge));
    });

    it('holds a cap for this node, this request and this amount alone', () => {
        const { envelope } = sent;
        const other = [
            { nodeKey: stranger.publicKey },
            { requestHash: bytesOf('other h') },
            { cumulativeNano: capCumulativeNano + 1n },
            { epoch: envelope.cap.epoch + 1 },
            { escrow: bytesOf('other escrow') },
            { network: bytesOf('other network') },
        ];
        for (const change of other) {
            const cap = { ...envelope.cap, ...change };
            expect(capDigest(cap)).not.toEqual(capDigest(envelope.cap));
            expect(() => checkCap({ ...envelope, cap })).toThrow('the cap is not signed');
        }
        expect(() => checkCap({ ...envelope, sessionKey: stranger.publicKey })).toThrow('the cap is not signed');
    });
});

describe('a node, against a client that signs what it likes', () => {
    const refused: [string, (envelope: ParsedEnvelope) => ParsedEnvelope][] = [
        ['another deadline', (envelope) => remade(envelope, {}, { deadlineMs: nowMs + 999 })],
        ['another offer', (envelope) => remade(envelope, {}, { offerHash: bytesOf('cheaper') })],
        ['another escrow', (envelope) => remade(envelope, {}, { escrow: bytesOf('richer') })],
        ['another request id', (envelope) => remade(envelope, {}, { requestId: bytesOf('id', 16) })],
        ['another nonce', (envelope) => remade(envelope, { nonce: bytesOf('nonce', 12) })],
        ['another body', (envelope) => remade(envelope, { sealed: bytesOf('body', 1024 + 16) })],
    ];

    it.each(refused)('refuses the sealed key under %s', async (_what, change) => {
        const altered = change(sent.envelope);
        checkCap(altered);
        await expectCode('request_undecryptable', () => sent.keyring.open(altered));
    });

    it('refuses a body spliced from another request under the same key', async () => {
        const other = await exchange(2, 'another request');
        const spliced = remade(sent.envelope, { enc: other.envelope.enc, ct: other.envelope.ct });
        await expectCode('request_undecryptable', () => sent.keyring.open(spliced));
    });

    it('refuses a downgrade to the other suite', async () => {
        const strong = await exchange(1);
        await expectCode('envelope_invalid', () => remade(strong.envelope, {}, { suite: 2 }));
        const weak = { enc: sent.envelope.enc, ct: sent.envelope.ct };
        const downgraded = remade(strong.envelope, weak, { suite: 2 });
        await expectCode('kem_epoch_unknown', () => strong.keyring.open(downgraded));
    });

    it('refuses a suite, version or profile that it does not know', async () => {
        const bytes = encodeContext(sent.request.context);
        for (const [index, value] of [
            [4, 1],
            [4, 3],
            [5, 3],
            [bytes.length - 13, 2],
        ] as const) {
            const unknown = Buffer.from(bytes);
            unknown[index] = value;
            await expectCode('envelope_invalid', () => decodeContext(unknown));
        }
        await expectCode('input_invalid', () => encodeContext({ ...sent.request.context, suite: 3 as 1 }));
    });

    it('refuses what is not meant for it, too late, or under an offer not in force', async () => {
        const { context } = sent.request;
        const knowsOffer = (hash: Buffer) => hash.equals(offer.hash);
        const expected = { network, nodeKey: node.publicKey, knowsOffer, nowMs };
        expect(() => checkContext(context, expected)).not.toThrow();
        const elsewhere = { ...expected, network: bytesOf('elsewhere') };
        await expectCode('context_not_ours', () => checkContext(context, elsewhere));
        const other = { ...expected, nodeKey: stranger.publicKey };
        await expectCode('context_not_ours', () => checkContext(context, other));
        const late = { ...expected, nowMs: context.deadlineMs };
        await expectCode('deadline_passed', () => checkContext(context, late));
        const withdrawn = { ...expected, knowsOffer: () => false };
        await expectCode('offer_unknown', () => checkContext(context, withdrawn));
    });
});

describe('padding', () => {
    it('has few lengths, each the smallest that fits', () => {
        const buckets = [1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096];
        for (let length = 0; length <= 4096; length++) {
            expect(requestBucket(length)).toBe(buckets.find((bucket) => bucket >= length));
        }
        expect([0, 256, 257, 512, 513].map(frameBucket)).toEqual([256, 256, 512, 512, 1024]);
    });

    it('wastes at most a quarter', () => {
        fc.assert(
            fc.property(fc.integer({ min: 1024, max: 1 << 25 }), (length) => {
                const bucket = requestBucket(length);
                expect(isRequestBucket(bucket) && bucket >= length && bucket <= length * 1.25).toBe(true);
            }),
        );
    });

    it('gives envelopes of texts of many lengths the same length', async () => {
        const { certificate } = sent;
        const lengthOf = async (bytes: number) => {
            const body = Buffer.alloc(bytes, 'x');
            const request = await prepareRequest({
                context: sent.request.context,
                inner: { ...inner, body },
                certificate,
            });
            return finishEnvelope(request, signRequestCap(request, session, 1n)).length;
        };
        const lengths = await Promise.all([0, 1, 100, 800].map(lengthOf));
        expect(new Set(lengths).size).toBe(1);
        expect(await lengthOf(1100)).toBe(lengths[0]! + 256);
    });

    it('is refused where it is not zeros, or more than needed, or less', async () => {
        const padded = Buffer.alloc(1024);
        padded.writeUInt32BE(10, 0);
        expect(unpadRequest(padded)).toHaveLength(10);
        await expectCode('request_invalid', () => unpadRequest(flipped(padded, 1023)));
        await expectCode('request_invalid', () => unpadRequest(flipped(padded, 14)));
        await expectCode('request_invalid', () => unpadRequest(Buffer.concat([padded, Buffer.alloc(256)])));
        padded.writeUInt32BE(1021, 0);
        await expectCode('request_invalid', () => unpadRequest(padded));
        await expectCode('request_invalid', () => unpadRequest(Buffer.alloc(3)));
    });
});

describe('the inner request', () => {
    it('keeps content type and accept of a client, nothing else', () => {
        const headers = { 'Content-Type': 'a', accept: 'b', Authorization: 'secret', cookie: 'c', 'user-agent': 'd' };
        expect(keptHeaders(headers)).toEqual({ 'content-type': 'a', accept: 'b' });
    });

    it('reads back whatever can be written', () => {
        const text = fc.stringMatching(/^[ -~]{0,40}$/);
        const request = fc.record({
            method: fc.stringMatching(/^[A-Z]{1,16}$/),
            path: fc.stringMatching(/^\/[!-~]{0,60}$/),
            headers: fc.record({ accept: text, 'content-type': text }, { requiredKeys: [], noNullPrototype: true }),
            body: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        });
        fc.assert(
            fc.property(request, (fields) => expect(decodeInnerRequest(encodeInnerRequest(fields))).toEqual(fields)),
        );
    });

    it('refuses to carry anything that could become another request', async () => {
        const bad: Partial<InnerRequest>[] = [
            { method: 'post' },
            { path: 'v1/chat' },
            { path: '/v1 HTTP/1.1\r\nhost: x' },
            { headers: { authorization: 'secret' } },
            { headers: { accept: 'a\r\nx: y' } },
        ];
        for (const change of bad) {
            await expectCode('input_invalid', () => encodeInnerRequest({ ...inner, ...change }));
        }
        const twice = encodeInnerRequest({ ...inner, headers: { accept: 'a', 'content-type': 'b' } });
        const text = twice.toString('latin1').replace('\x0ccontent-type\x00\x01b', '\x06accept\x00\x07bbbbbbb');
        await expectCode('request_invalid', () => decodeInnerRequest(Buffer.from(text, 'latin1')));
    });

    it('never crashes on other bytes', async () => {
        const bytes = encodeInnerRequest(inner);
        await fc.assert(
            fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(bytes.length), async (noise, kept) => {
                const code = await codeOf(() => decodeInnerRequest(Buffer.concat([bytes.subarray(0, kept), noise])));
                expect([undefined, 'request_invalid']).toContain(code);
            }),
            { numRuns: 200 },
        );
    });
});

describe('sealing', () => {
    it('uses fresh randomness for every request', async () => {
        const { certificate, request } = sent;
        const again = () => prepareRequest({ context: request.context, inner, certificate });
        const [one, two] = await Promise.all([again(), again()]);
        expect(one.cek).not.toEqual(two.cek);
        expect(one.parts.nonce).not.toEqual(two.parts.nonce);
        expect(one.parts.enc).not.toEqual(two.parts.enc);
        expect(one.requestHash).not.toEqual(two.requestHash);
    });

    it('is reproducible from given randomness', async () => {
        const { certificate, request } = sent;
        const random = fixedRandom('exchange');
        const again = await prepareRequest({ context: request.context, inner, certificate, random });
        expect(again).toEqual(request);
    });
});
