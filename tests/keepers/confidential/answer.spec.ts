import fc from 'fast-check';
import {
    type AnswerEvent,
    AnswerOpener,
    AnswerSealer,
    binding,
    bindingOfEnvelope,
    costNano,
    encodeUsage,
    FrameSplitter,
    ReceiptWatcher,
    type TokenUsage,
    usageHash,
    verifyAnswerReceipt,
    type WireFrame,
    withLiveCap,
} from '../../../keepers/confidential';
import { decodeError } from '../../../keepers/confidential/answer-data';
import { maxFrameDataBytes } from '../../../keepers/confidential/frame-format';
import {
    answerCostNano,
    answerOf,
    bytesOf,
    capCumulativeNano,
    codeOf,
    type Exchange,
    exchange,
    expectCode,
    flipped,
    modelIndex,
    node,
    offer,
    sealAnswer,
    session,
    stranger,
    usage,
} from './exchange';

let sent: Exchange;
let frames: Buffer[];
beforeAll(async () => {
    sent = await exchange(2);
    frames = sealAnswer(answerOf(sent).sealer);
});

const receiptAmounts = { sequence: 6, costNano: answerCostNano, cumulativeNano: answerCostNano };

/** Everything that an opener says about these chunks, and the code it ends with. */
async function openAll(chunks: Buffer[], opener: Pick<AnswerOpener, 'push' | 'end'> = answerOf(sent).opener()) {
    const events: AnswerEvent[] = [];
    const code = await codeOf(() => {
        for (const chunk of chunks) events.push(...opener.push(chunk));
        opener.end();
    });
    return { events, code, types: events.map((event) => event.type) };
}

async function watchAll(chunks: Buffer[], watcher: ReceiptWatcher = answerOf(sent).watcher()) {
    const passed: Buffer[] = [];
    const code = await codeOf(() => {
        for (const chunk of chunks) passed.push(...watcher.push(chunk).map((piece) => piece.bytes));
        watcher.end();
    });
    return { passed: Buffer.concat(passed), code };
}

/** Cuts at the given places. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
    const sorted = [0, ...[...places].sort((a, b) => a - b), bytes.length];
    return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

/** at the end of a final frame */
const sealBytes = 256 + 16;
const allTypes = ['start', 'keep-alive', 'head', 'body', 'checkpoint', 'body', 'final'];

describe.each([1, 2] as const)('an answer in suite %i', (suite) => {
    it('reaches the gateway as it was, with receipts that everyone on the way can check', async () => {
        const run = await exchange(suite);
        const { cek } = await run.keyring.open(run.envelope);
        expect(cek).toEqual(run.request.cek);
        const { sealer, opener, watcher } = answerOf(run);
        const sealed = sealAnswer(sealer);
        const dispatcher = watcher();
        const forwarded = sealed.flatMap((frame) => dispatcher.push(frame));
        dispatcher.end();
        const { events, types, code } = await openAll(
            forwarded.map((piece) => piece.bytes),
            opener(),
        );
        expect(code).toBeUndefined();
        expect(types).toEqual(allTypes);
        expect(events[2]).toEqual({ type: 'head', status: 200, headers: { 'content-type': 'text/event-stream' } });
        const text = events.map((event) => (event.type === 'body' ? event.data.toString() : '')).join('');
        expect(text).toBe(`data: one\n\n${'data: two\n\n'.repeat(100)}`);
        expect(events.at(-1)).toMatchObject({ type: 'final', usage });
        expect(events.at(-1)).toMatchObject({ receipt: { receipt: { sequence: 6, costNano: answerCostNano } } });
        const last = events.at(-1);
        if (last?.type !== 'final') throw new Error('no final event');
        // With the salt, whoever keeps the receipt can show later what it was for.
        expect(usageHash(encodeUsage({ ...last.usage, salt: last.salt, modelIndex: last.modelIndex }))).toEqual(
            last.receipt.usageHash,
        );
        expect(forwarded.map((piece) => piece.receipt?.receipt.sequence)).toEqual([
            undefined,
            undefined,
            undefined,
            undefined,
            4,
            undefined,
            6,
        ]);
        expect(forwarded.map((piece) => piece.final).indexOf(true)).toBe(forwarded.length - 1);
    });
});

describe('the stream', () => {
    it('may be cut into chunks anywhere', async () => {
        const wire = Buffer.concat(frames);
        const places = fc.array(fc.nat(wire.length), { maxLength: 20 });
        await fc.assert(
            fc.asyncProperty(places, async (chosen) => {
                const chunks = cut(wire, chosen);
                expect(await openAll(chunks)).toMatchObject({ code: undefined, types: allTypes });
                expect(await watchAll(chunks)).toEqual({ passed: wire, code: undefined });
            }),
            { numRuns: 15 },
        );
        const bytewise = cut(wire, Array.from(wire.keys()));
        expect(await openAll(bytewise)).toMatchObject({ code: undefined, types: allTypes });
    });

    it('is a failed answer when it ends anywhere before its last byte', async () => {
        const wire = Buffer.concat(frames);
        for (let length = 0; length < wire.length; length += 17) {
            expect((await openAll([wire.subarray(0, length)])).code).toBe('answer_truncated');
            expect((await watchAll([wire.subarray(0, length)])).code).toBe('answer_truncated');
        }
        expect((await openAll([wire.subarray(0, wire.length - 1)])).code).toBe('answer_truncated');
    });

    it('is refused after any bit flips, by the gateway in every frame', async () => {
        for (const [at, frame] of frames.entries()) {
            const step = frame.length > 600 ? 37 : 3;
            for (let index = 0; index < frame.length; index += step) {
                const altered = [...frames];
                altered[at] = flipped(frame, index, index % 8);
                const { code, types } = await openAll(altered);
                expect(code).toBeDefined();
                expect(code).not.toBe('input_invalid');
                expect(types).not.toContain('final');
            }
        }
    });

    it('is refused by the dispatcher when a receipt no longer fits what it saw', async () => {
        for (const at of [0, 1, 2, 3, 4, 5]) {
            for (const index of [5, 20, frames[at]!.length - 1]) {
                const altered = [...frames];
                altered[at] = flipped(frames[at]!, index);
                expect((await watchAll(altered)).code).toBe('receipt_invalid');
            }
        }
    });

    it('is refused with a frame dropped, doubled or moved', async () => {
        for (let at = 0; at < frames.length; at++) {
            const dropped = frames.filter((_frame, index) => index !== at);
            expect((await openAll(dropped)).code).toBeDefined();
            expect((await watchAll(dropped)).code).toBeDefined();
            const doubled = frames.flatMap((frame, index) => (index === at ? [frame, frame] : [frame]));
            expect((await openAll(doubled)).code).toBeDefined();
            expect((await watchAll(doubled)).code).toBeDefined();
            for (let other = at + 1; other < frames.length; other++) {
                const moved = [...frames];
                [moved[at], moved[other]] = [moved[other]!, moved[at]!];
                expect((await openAll(moved)).code).toBeDefined();
                expect((await watchAll(moved)).code).toBeDefined();
            }
        }
    });

    it('is refused with any frame of another answer, of the same request or of another', async () => {
        const sameRequest = sealAnswer(answerOf(sent, 'answered again').sealer);
        const otherRequest = sealAnswer(answerOf(await exchange(2, 'another'), 'another answer').sealer);
        for (const foreign of [sameRequest, otherRequest]) {
            for (let at = 0; at < frames.length; at++) {
                const spliced = [...frames];
                spliced[at] = foreign[at]!;
                const { code } = await openAll(spliced);
                expect(['frame_undecryptable', 'receipt_invalid']).toContain(code);
                expect((await watchAll(spliced)).code).toBe('receipt_invalid');
            }
        }
        expect((await openAll(otherRequest)).code).toBe('frame_undecryptable');
        expect((await watchAll(otherRequest)).code).toBe('receipt_invalid');
    });

    it('is refused when anything follows the final frame, though what was good stands', async () => {
        const extra = [...frames, frames[3]!];
        expect(await openAll(extra)).toMatchObject({ code: 'frame_out_of_order', types: allTypes });
        expect(await openAll([Buffer.concat(extra)])).toMatchObject({ code: 'frame_out_of_order', types: allTypes });
        const whole = Buffer.concat(frames);
        expect(await openAll([Buffer.concat([whole, Buffer.alloc(1)])])).toMatchObject({ code: 'answer_truncated' });
        expect(await watchAll(extra)).toEqual({ passed: whole, code: 'frame_out_of_order' });
        expect(await watchAll([Buffer.concat(extra)])).toEqual({ passed: whole, code: 'frame_out_of_order' });
    });

    it('hands out the good frames before a bad one in the same chunk, then nothing more', () => {
        const { opener: makeOpener, watcher: makeWatcher } = answerOf(sent);
        const bad = Buffer.concat([...frames.slice(0, 5), Buffer.from([9, 0, 0, 0, 0])]);
        const opener = makeOpener();
        expect(opener.push(bad).map((event) => event.type)).toEqual(allTypes.slice(0, 5));
        expect(opener.failure).toMatchObject({ code: 'frame_invalid' });
        expect(opener.receipt?.receipt.sequence).toBe(4);
        expect(() => opener.push(frames[5]!)).toThrow('no frame of kind 9');
        const watcher = makeWatcher();
        expect(watcher.push(bad)).toHaveLength(5);
        expect(watcher.failure).toMatchObject({ code: 'frame_invalid' });
        expect(() => watcher.push(frames[5]!)).toThrow('no frame of kind 9');
        expect(() => watcher.end()).toThrow('no frame of kind 9');
    });

    it('never crashes on other bytes', async () => {
        const wire = Buffer.concat(frames);
        const codes = [
            'frame_invalid',
            'frame_out_of_order',
            'frame_undecryptable',
            'receipt_invalid',
            'answer_truncated',
        ];
        await fc.assert(
            fc.asyncProperty(fc.uint8Array({ maxLength: 900 }), fc.nat(wire.length - 1), async (noise, kept) => {
                const chunks = [Buffer.concat([wire.subarray(0, kept), noise])];
                expect(codes).toContain((await openAll(chunks)).code);
                // The seal of the last frame is the one thing that only the gateway can judge.
                const intoSeal = kept >= wire.length - sealBytes;
                expect(intoSeal ? [undefined, ...codes] : codes).toContain((await watchAll(chunks)).code);
            }),
            { numRuns: 200 },
        );
    });

    it('cannot make anyone allocate what it only announces', async () => {
        const announced = [
            [0, 33],
            [1, 15],
            [1, 1 << 20],
            [1, 1000],
            [2, 251],
            [3, 523],
            [1, 0xffffffff],
            [4, 0],
        ];
        for (const [kind, length] of announced) {
            const header = Buffer.alloc(5);
            header.writeUInt8(kind!, 0);
            header.writeUInt32BE(length!, 1);
            const splitter = new FrameSplitter();
            await expectCode('frame_invalid', () => splitter.push(header, () => undefined));
        }
    });

    it('is not copied where a frame lies within one chunk', () => {
        const wire = Buffer.concat(frames);
        const seen: WireFrame[] = [];
        new FrameSplitter().push(wire, (frame) => seen.push(frame));
        expect(seen).toHaveLength(frames.length);
        for (const frame of seen) expect(frame.bytes.buffer).toBe(wire.buffer);
    });
});

describe('lengths', () => {
    it('of small pieces of text do not show', () => {
        const { sealer } = answerOf(sent);
        sealer.start();
        sealer.head({ status: 200, headers: {} });
        const lengths = [1, 2, 50, 251].map((bytes) => sealer.body(Buffer.alloc(bytes)).length);
        expect(new Set(lengths).size).toBe(1);
        expect(sealer.keepAlive()).toHaveLength(lengths[0]!);
        expect(sealer.error({ status: 500, code: 'engine_failed', message: 'x' })).toHaveLength(lengths[0]!);
    });

    it('beyond a frame make several', async () => {
        const { sealer, opener } = answerOf(sent);
        const data = bytesOf('long answer', 2 * maxFrameDataBytes + 1);
        const wire = [sealer.start(), sealer.head({ status: 200, headers: {} }), sealer.body(data)];
        const { events, code } = await openAll([...wire, sealer.final(usage, receiptAmounts).wire], opener());
        expect(code).toBeUndefined();
        const bodies = events.flatMap((event) => (event.type === 'body' ? [event.data] : []));
        expect(bodies).toHaveLength(3);
        expect(Buffer.concat(bodies).equals(data)).toBe(true);
    });
});

describe('a node that signs wrong things', () => {
    const dishonest = (amounts: Partial<typeof receiptAmounts>, used: TokenUsage = usage, index = modelIndex) => {
        const to = withLiveCap(bindingOfEnvelope(sent.envelope), () => 1n << 90n);
        const sealer = new AnswerSealer({ to, cek: sent.request.cek, modelIndex: index, signer: node });
        return [sealer.start(), sealer.final(used, { ...receiptAmounts, ...amounts }).wire];
    };

    it('is found out when the cost is not what the offer gives for the usage', async () => {
        const more = { costNano: answerCostNano + 1n, cumulativeNano: answerCostNano + 1n };
        expect((await openAll(dishonest(more))).code).toBe('receipt_cost_wrong');
        expect((await openAll(dishonest({ costNano: answerCostNano - 1n }))).code).toBe('receipt_cost_wrong');
        const otherCost = costNano(offer.models[0]!, usage);
        const other = { costNano: otherCost, cumulativeNano: otherCost };
        expect((await openAll(dishonest(other, usage, 0))).code).toBe('receipt_cost_wrong');
        expect((await openAll(dishonest({}, usage, 9))).code).toBe('receipt_cost_wrong');
        expect((await openAll(dishonest({}))).code).toBeUndefined();
    });

    it('is found out when its sum is above the highest cap, by the dispatcher too', async () => {
        const above = dishonest({ cumulativeNano: capCumulativeNano + 1n });
        expect((await openAll(above)).code).toBe('receipt_above_cap');
        expect((await watchAll(above)).code).toBe('receipt_above_cap');
        let highestNano = capCumulativeNano;
        const live = withLiveCap(bindingOfEnvelope(sent.envelope), () => highestNano);
        const watcher = new ReceiptWatcher(live);
        highestNano += 1n;
        expect((await watchAll(above, watcher)).code).toBeUndefined();
    });

    it('cannot sign below what it signed before in the stream', async () => {
        const first = { sequence: 5, costNano: 10n, cumulativeNano: 20n };
        for (const change of [{ sequence: 5 }, { costNano: 9n }, { cumulativeNano: 19n }]) {
            const { sealer } = answerOf(sent);
            const wire = [sealer.start(), sealer.checkpoint(usage, first).wire];
            wire.push(sealer.checkpoint(usage, { ...first, sequence: 6, ...change }).wire);
            expect((await openAll(wire)).code).toBe('receipt_invalid');
            expect((await watchAll(wire)).code).toBe('receipt_invalid');
        }
    });

    it('cannot use a receipt of another client, node, offer or request', async () => {
        const { to, sealer } = answerOf(sent);
        sealer.start();
        const { payload, transcriptHash } = sealer.final(usage, receiptAmounts);
        expect(verifyAnswerReceipt(to, payload).receipt.costNano).toBe(answerCostNano);
        expect(verifyAnswerReceipt(to, payload, transcriptHash).payload).toEqual(payload);
        await expectCode('receipt_invalid', () => verifyAnswerReceipt(to, payload, bytesOf('other')));
        await expectCode('receipt_invalid', () => verifyAnswerReceipt(to, payload.subarray(1)));
        const bindings = [
            { network: bytesOf('other') },
            { escrow: bytesOf('other') },
            { epoch: to.epoch + 1 },
            { nodeKey: stranger.publicKey },
            { sessionKey: stranger.publicKey },
            { requestHash: bytesOf('other') },
            { offerHash: bytesOf('other') },
        ];
        for (const change of bindings) {
            await expectCode('receipt_invalid', () => verifyAnswerReceipt({ ...to, ...change }, payload));
        }
    });

    it.each([
        ['a body before the head', 'body', 'frame_out_of_order'],
        ['a second head', 'second head', 'frame_out_of_order'],
        ['data after an error', 'after error', 'frame_out_of_order'],
        ['a keep-alive with data', 'fat keep-alive', 'frame_invalid'],
        ['a window request with data', 'fat window', 'frame_invalid'],
        ['an unknown type', 'unknown', 'frame_invalid'],
        ['an empty frame', 'empty', 'frame_invalid'],
        ['a head that is no JSON', 'bad head', 'frame_invalid'],
        ['a header with a line break', 'split header', 'frame_invalid'],
        ['a status that is none', 'bad status', 'frame_invalid'],
        ['an error without a code', 'bad error', 'frame_invalid'],
    ] as const)('is found out when it sends %s', async (_what, kind, code) => {
        const text = (value: unknown) => Buffer.from(JSON.stringify(value));
        const head: [number, Buffer] = [0, text({ status: 200, headers: {} })];
        const error: [number, Buffer] = [3, text({ status: 500, code: 'x', message: 'y' })];
        const contents: Record<typeof kind, [number, Buffer][]> = {
            body: [[1, Buffer.from('x')]],
            'second head': [head, head],
            'after error': [error, [2, Buffer.alloc(0)]],
            'fat keep-alive': [[2, Buffer.alloc(1)]],
            'fat window': [[4, Buffer.alloc(1)]],
            unknown: [[5, Buffer.alloc(0)]],
            empty: [[-1, Buffer.alloc(0)]],
            'bad head': [[0, Buffer.from('{')]],
            'split header': [[0, text({ status: 200, headers: { a: 'b\r\nset-cookie: c' } })]],
            'bad status': [[0, text({ status: '200', headers: {} })]],
            'bad error': [[3, text({ status: 500, message: 'y' })]],
        };
        const sealer = new RawSealer({ to: answerOf(sent).to, cek: sent.request.cek, modelIndex, signer: node });
        const wire = [sealer.start(), ...contents[kind].map(([type, data]) => sealer.raw(type, data))];
        const result = await openAll(wire);
        expect(result.code).toBe(code);
        expect(result.types).toHaveLength(wire.length - 1);
    });
});

/** Seals what an honest node cannot, through the real cipher. */
class RawSealer extends AnswerSealer {
    raw(type: number, data: Buffer): Buffer {
        const inside = this as unknown as {
            cipher: { seal(at: object, parts: Buffer[], wire: Buffer, offset: number): void };
            index: number;
            sent(wire: Buffer): Buffer;
        };
        const parts = type < 0 ? [data] : [Buffer.from([type]), data];
        const wire = Buffer.alloc(5 + 256 + 16);
        wire.writeUInt8(1, 0);
        wire.writeUInt32BE(256 + 16, 1);
        inside.cipher.seal({ index: inside.index, kind: 1 }, parts, wire, 5);
        return inside.sent(wire);
    }
}

describe('AnswerSealer', () => {
    const make = () => answerOf(sent).sealer;

    it('keeps to the order that gateways insist on', async () => {
        const head = { status: 200, headers: {} };
        await expectCode('state_invalid', () => make().head(head));
        await expectCode('state_invalid', () => make().final(usage, receiptAmounts));
        const sealer = make();
        sealer.start();
        await expectCode('state_invalid', () => sealer.start());
        await expectCode('state_invalid', () => sealer.body(Buffer.from('x')));
        sealer.head(head);
        await expectCode('state_invalid', () => sealer.head(head));
        sealer.error({ status: 500, code: 'engine_failed', message: 'the engine stopped' });
        await expectCode('state_invalid', () => sealer.body(Buffer.from('x')));
        await expectCode('state_invalid', () => sealer.keepAlive());
        sealer.final(usage, receiptAmounts);
        await expectCode('state_invalid', () => sealer.final(usage, receiptAmounts));
        await expectCode('state_invalid', () => sealer.checkpoint(usage, receiptAmounts));
    });

    it('delivers an error of the engine, before or after the head', async () => {
        const failure = { status: 502, code: 'engine_failed', message: 'the engine stopped' };
        const sealer = make();
        const wire = [sealer.start(), sealer.error(failure), sealer.final(usage, receiptAmounts).wire];
        const { events, code } = await openAll(wire);
        expect(code).toBeUndefined();
        expect(events[1]).toEqual({ type: 'error', ...failure });
    });

    it('delivers the field at fault with an error, and nothing that is no name of a field', async () => {
        const failure = { status: 400, code: 'invalid_request', message: 'no such tool', param: 'messages[0].tool-1' };
        const sealer = make();
        const { events } = await openAll([
            sealer.start(),
            sealer.error(failure),
            sealer.final(usage, receiptAmounts).wire,
        ]);
        expect(events[1]).toEqual({ type: 'error', ...failure });
        for (const param of ['', 'a b', 'x\r\ny', '<script>', 'p'.repeat(129)]) {
            const refusing = make();
            refusing.start();
            await expectCode('input_invalid', () => refusing.error({ ...failure, param }));
        }
        for (const param of [null, 7, 'a b', 'p'.repeat(129)]) {
            await expectCode('frame_invalid', () => decodeError(Buffer.from(JSON.stringify({ ...failure, param }))));
        }
    });

    it('never signs above the cap, a cost above its sum, or for another node', async () => {
        const sealer = make();
        sealer.start();
        const above = { ...receiptAmounts, cumulativeNano: capCumulativeNano + 1n };
        await expectCode('input_invalid', () => sealer.final(usage, above));
        await expectCode('input_invalid', () => sealer.final(usage, { ...receiptAmounts, cumulativeNano: 1n }));
        const options = { to: answerOf(sent).to, cek: sent.request.cek, modelIndex, signer: stranger };
        await expectCode('input_invalid', () => new AnswerSealer(options));
    });

    it('refuses heads and errors that gateways would refuse', async () => {
        const sealer = make();
        sealer.start();
        await expectCode('input_invalid', () => sealer.head({ status: 100, headers: {} }));
        await expectCode('input_invalid', () => sealer.head({ status: 200, headers: { a: 'b\n' } }));
        await expectCode('input_invalid', () => sealer.head({ status: 200, headers: { Upper: 'b' } }));
        await expectCode('input_invalid', () => sealer.error({ status: 500, code: 'No Code', message: '' }));
        expect(() => sealer.head({ status: 200, headers: {} })).not.toThrow();
    });
});

describe('binding', () => {
    it('is the same for gateway and dispatcher, and holds on to no envelope', () => {
        const { request, envelope } = sent;
        const { requestHash } = request;
        const mine = binding(request.context, { requestHash, sessionKey: session.publicKey, capCumulativeNano });
        const theirs = bindingOfEnvelope(envelope);
        expect(theirs).toEqual(mine);
        expect(theirs.escrow.buffer).not.toBe(envelope.sealed.buffer);
    });
});
