import { ManualClock, silentLogger } from '../../../keepers/base';
import { type AnswerSealer, bindingOfEnvelope } from '../../../keepers/confidential';
import { type AnswerListener, DispatchError, NodeLoad, type NodeLink, RequestRelay } from '../../../keepers/dispatch';
import { type DispatchLedger } from '../../../keepers/ledger';
import { temporaryFolder } from '../ledger/temporary-folder';
import {
    account,
    escrow,
    finalOf,
    node,
    nowMs,
    opening,
    sealerOf,
    sealRequest,
    type SealedRequest,
    usage,
    usageCostNano,
} from './sealed-request';
import { openNewLedger } from '../../support/new-ledger';

const folder = temporaryFolder();
let ledger: DispatchLedger;
beforeEach(async () => {
    ledger = await openNewLedger(folder);
});
const listeners: AnswerListener[] = [];
afterEach(async () => {
    for (const listener of listeners.splice(0)) listener.lost();
    await new Promise((resolve) => setImmediate(resolve));
    await ledger.close();
});

/** A node's link that records what goes out and hands over what comes in. */
class ScriptedLink {
    readonly nodeKey = node.publicKey;
    readonly said: string[] = [];
    connected = true;
    listener!: AnswerListener;

    send(_requestId: Buffer, _envelope: Buffer, listener: AnswerListener): boolean {
        this.listener = listener;
        listeners.push(listener);
        return this.connected;
    }
    cancel = () => void this.said.push('cancel');
    taken = () => void this.said.push('taken');
    release = () => void this.said.push('release');
}

/** What the gateway gets: frames, then how it ended. */
class Output {
    readonly chunks: Buffer[] = [];
    /** 'open', 'whole', or the code of its failure. */
    ending = 'open';
    onWrite: (() => void) | undefined;

    write = (bytes: Buffer) => {
        this.onWrite?.();
        this.chunks.push(bytes);
    };
    end = () => void (this.ending = 'whole');
    fail = (error: DispatchError) => void (this.ending = error.code);
    get bytes(): Buffer {
        return Buffer.concat(this.chunks);
    }
}

async function started(
    request: SealedRequest,
    options: { deadlineMs?: number; connected?: boolean; recorded?: Promise<void> } = {},
) {
    const { envelope } = request;
    await ledger.recordCap({
        requestId: request.requestId,
        escrow,
        epoch: 3,
        nodeKey: node.publicKey,
        sessionKey: envelope.sessionKey,
        requestHash: envelope.requestHash,
        offerHash: envelope.context.offerHash,
        capCumulativeNano: envelope.cap.cumulativeNano,
        capSignature: envelope.capSignature,
        funds: account(),
        atMs: nowMs,
    });
    const link = new ScriptedLink();
    link.connected = options.connected ?? true;
    const output = new Output();
    const load = new NodeLoad();
    const clock = new ManualClock(nowMs);
    const relay = new RequestRelay({
        link: link as unknown as NodeLink,
        envelope: options.deadlineMs
            ? { ...envelope, context: { ...envelope.context, deadlineMs: nowMs + options.deadlineMs } }
            : envelope,
        envelopeBytes: request.bytes,
        binding: bindingOfEnvelope(envelope),
        ledger,
        load,
        output,
        recorded: () => options.recorded ?? Promise.resolve(),
        clock,
        logger: silentLogger(),
    });
    relay.start();
    await new Promise((resolve) => setImmediate(resolve));
    return {
        relay,
        link,
        output,
        load,
        clock,
        sealer: sealerOf(request),
        state: () => ledger.requestState(request.requestId),
    };
}

let count = 0;
/** It is written down beside the answer's end. */
async function reaches(state: () => Promise<{ state: string } | null>, wanted: string): Promise<void> {
    for (let tries = 0; tries < 500 && (await state())?.state !== wanted; tries++)
        await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await state())?.state).toBe(wanted);
}

const begin = async (options: Parameters<typeof started>[1] = {}) =>
    started(await sealRequest({ name: `relay ${count++}` }), options);

function checkpointOf(sealer: AnswerSealer, sequence: number) {
    const half = { ...usage, completionTokens: 1 };
    return sealer.checkpoint(half, { sequence, costNano: 400n, cumulativeNano: 400n });
}

test('frames without a receipt pass at once, byte for byte', async () => {
    const { link, output, sealer } = await begin();
    const wire = opening(sealer);
    link.listener.frames(wire.subarray(0, 10));
    link.listener.frames(wire.subarray(10));
    expect(output.bytes.equals(wire)).toBe(true);
    expect(output.ending).toBe('open');
});

test('nothing of an answer leaves before its cap is on disk, and then everything in order', async () => {
    let store!: () => void;
    const recorded = new Promise<void>((resolve) => (store = resolve));
    const { relay, link, output, sealer } = await begin({ recorded });
    const wire = opening(sealer);
    link.listener.frames(wire.subarray(0, 60));
    link.listener.frames(wire.subarray(60));
    const final = finalOf(sealer).wire;
    link.listener.frames(final);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(output.chunks).toEqual([]);
    store();
    await relay.done;
    expect(output.bytes.equals(Buffer.concat([wire, final]))).toBe(true);
    expect(output.ending).toBe('whole');
});

test('a refusal too waits until the cap is on disk, or it would free what is not yet reserved', async () => {
    let store!: () => void;
    const recorded = new Promise<void>((resolve) => (store = resolve));
    const { relay, link, output, state } = await begin({ recorded });
    link.listener.refused({ code: 'node_busy', message: 'later' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(output.ending).toBe('open');
    store();
    await relay.done;
    expect(output.ending).toBe('node_refused');
    expect(await state()).toMatchObject({ state: 'refused' });
});

test('an answer whose cap could not be stored is stopped at the node, and nothing of it passes', async () => {
    let fail!: (error: Error) => void;
    const recorded = new Promise<void>((_, reject) => (fail = reject));
    const { relay, link, output, sealer } = await begin({ recorded });
    link.listener.frames(opening(sealer));
    fail(new Error('the disk is full'));
    await relay.done;
    expect(output).toMatchObject({ chunks: [], ending: 'node_lost' });
    expect(link.said).toEqual(['cancel', 'release']);
});

test('the final receipt is on disk before its frame leaves, and only then the node hears that it is', async () => {
    const { relay, link, output, sealer, state, load } = await begin();
    const wire = opening(sealer);
    link.listener.frames(wire);
    const seen: Promise<unknown>[] = [];
    output.onWrite = () => {
        const said = [...link.said];
        seen.push(state().then((now) => [now?.state, said]));
    };
    const final = finalOf(sealer);
    link.listener.frames(final.wire);
    expect(output.bytes.equals(wire)).toBe(true);
    await relay.done;
    expect(await Promise.all(seen)).toEqual([['final', []]]);
    expect(output.bytes.equals(Buffer.concat([wire, final.wire]))).toBe(true);
    expect(output.ending).toBe('whole');
    expect(link.said).toEqual(['taken', 'release']);
    expect((await state())!.receipt!.receipt.cumulativeNano).toBe(usageCostNano);
    expect([load.failureShare, load.firstFrameMsP50]).toEqual([0, 0]);
});

test('a date that is set back while an answer is awaited shortens no wait: gateways refuse a negative one', async () => {
    const { relay, link, sealer, load, clock } = await begin();
    clock.advance(700);
    clock.setBy(-3_600_000);
    link.listener.frames(opening(sealer));
    link.listener.frames(finalOf(sealer).wire);
    await relay.done;
    expect(load.firstFrameMsP50).toBe(700);
});

test('frames behind a checkpoint wait for it, in order', async () => {
    const { relay, link, output, sealer, state } = await begin();
    const parts = [
        opening(sealer),
        checkpointOf(sealer, 1).wire,
        sealer.body(Buffer.from('more')),
        finalOf(sealer, 2).wire,
    ];
    link.listener.frames(Buffer.concat(parts.slice(0, 2)));
    link.listener.frames(parts[2]!);
    expect(output.bytes.equals(parts[0]!)).toBe(true);
    link.listener.frames(parts[3]!);
    await relay.done;
    expect(output.bytes.equals(Buffer.concat(parts))).toBe(true);
    expect((await state())!.state).toBe('final');
});

test('a refusal frees the reservation before the gateway hears of it', async () => {
    const { relay, link, output, state, load } = await begin();
    link.listener.refused({ code: 'cap_too_low', message: 'more', retryAfterMs: 7 });
    expect(output.ending).toBe('open');
    await relay.done;
    expect(output.ending).toBe('node_refused');
    expect(await state()).toMatchObject({ state: 'refused', failureCode: 'cap_too_low' });
    expect(load.failureShare).toBe(0);
});

test('a refusal stays one when the node goes away at that moment', async () => {
    const { relay, link, output, state } = await begin();
    link.listener.refused({ code: 'node_busy', message: 'later' });
    link.listener.lost();
    await relay.done;
    expect(output.ending).toBe('node_refused');
    await reaches(state, 'refused');
    expect(await ledger.outstandingNano(escrow, 3, { paidNano: new Map() })).toBe(0n);
});

test('a node lost in the middle cuts the answer, and the reservation stays', async () => {
    const { relay, link, output, sealer, state, load } = await begin();
    link.listener.frames(opening(sealer));
    link.listener.lost();
    await relay.done;
    expect(output.ending).toBe('node_lost');
    await reaches(state, 'lost');
    expect(await ledger.outstandingNano(escrow, 3, { paidNano: new Map() })).toBe(1_000_000n);
    expect(load.failureShare).toBe(1);
});

test('a node that leaves right after its final frame has still answered', async () => {
    const { relay, link, output, sealer, state } = await begin();
    link.listener.frames(Buffer.concat([opening(sealer), finalOf(sealer).wire]));
    link.listener.lost();
    await relay.done;
    expect(output.ending).toBe('whole');
    expect((await state())!.state).toBe('final');
});

test('a node that had gone before the request left owes and reserves nothing', async () => {
    const { relay, output, state } = await begin({ connected: false });
    await relay.done;
    expect(output.ending).toBe('node_unknown');
    expect((await state())!.state).toBe('failed');
    expect(await ledger.outstandingNano(escrow, 3, { paidNano: new Map() })).toBe(0n);
});

describe('frames that no honest node sends end the answer and cancel the node', () => {
    const flip = (wire: Buffer, at: number) => {
        const copy = Buffer.from(wire);
        copy[at]! ^= 1;
        return copy;
    };
    test.each<[string, (sealer: AnswerSealer) => Buffer]>([
        ['no start frame', (sealer) => opening(sealer).subarray(37)],
        ['an unknown kind', (sealer) => Buffer.concat([opening(sealer), Buffer.from([9, 0, 0, 0, 0])])],
        ['a frame that claims more than a frame may hold', () => Buffer.from([0, 0xff, 0xff, 0xff, 0xff])],
        [
            'a receipt with another sum',
            (sealer) => Buffer.concat([opening(sealer), flip(finalOf(sealer).wire, 5 + 90)]),
        ],
        ['a start after the start', (sealer) => Buffer.concat([opening(sealer), Buffer.alloc(37)])],
    ])('%s', async (_what, wireOf) => {
        const { relay, link, output, sealer, state } = await begin();
        link.listener.frames(wireOf(sealer));
        link.listener.frames(Buffer.alloc(10));
        await relay.done;
        expect(output.ending).toBe('node_lost');
        expect(link.said).toEqual(['cancel', 'release']);
        await reaches(state, 'lost');
    });

    test('a refusal after frames', async () => {
        const { relay, link, output, sealer } = await begin();
        link.listener.frames(opening(sealer));
        link.listener.refused({ code: 'node_busy', message: '' });
        await relay.done;
        expect(output.ending).toBe('node_lost');
    });

    test('a receipt above the cap', async () => {
        const request = await sealRequest({ name: 'low cap', capNano: usageCostNano - 1n });
        const { relay, link, output, state } = await started(request);
        const sealer = sealerOf(request, 10n ** 9n);
        link.listener.frames(Buffer.concat([opening(sealer), finalOf(sealer).wire]));
        await relay.done;
        expect(output.ending).toBe('node_lost');
        expect((await state())!.receipt).toBeNull();
    });

    test('a receipt that contradicts another one of the node', async () => {
        const first = await begin();
        first.link.listener.frames(Buffer.concat([opening(first.sealer), finalOf(first.sealer, 5).wire]));
        await first.relay.done;
        const second = await begin();
        second.link.listener.frames(Buffer.concat([opening(second.sealer), finalOf(second.sealer, 5).wire]));
        await second.relay.done;
        expect(second.output.ending).toBe('node_lost');
        expect(second.link.said).not.toContain('taken');
        await reaches(second.state, 'lost');
        expect(await ledger.contradictions()).toHaveLength(1);
    });

    test('and a good receipt just before them is kept', async () => {
        const { relay, link, sealer, output, state } = await begin();
        const wire = Buffer.concat([opening(sealer), checkpointOf(sealer, 1).wire]);
        link.listener.frames(Buffer.concat([wire, Buffer.from([9, 0, 0, 0, 0])]));
        await relay.done;
        expect(output.bytes.equals(wire)).toBe(true);
        expect((await state())!.checkpoint!.receipt.cumulativeNano).toBe(400n);
    });
});

describe('a cancelled request', () => {
    test('lets the node sign for what it did', async () => {
        const { relay, link, output, sealer, state } = await begin();
        link.listener.frames(opening(sealer));
        relay.cancel(new DispatchError('deadline_passed', 'gone'));
        expect(link.said).toEqual(['cancel']);
        link.listener.frames(finalOf(sealer).wire);
        await relay.done;
        expect(output.ending).toBe('whole');
        expect((await state())!.state).toBe('final');
    });

    test('is given up when the node signs nothing within the grace', async () => {
        jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
        const { relay, link, output } = await begin();
        relay.cancel(new DispatchError('deadline_passed', 'gone'));
        jest.advanceTimersByTime(4_999);
        expect(output.ending).toBe('open');
        jest.advanceTimersByTime(1);
        await relay.done;
        expect(output.ending).toBe('deadline_passed');
        expect(link.said).toEqual(['cancel', 'release']);
        jest.useRealTimers();
    });

    test('so is one whose deadline passes', async () => {
        const { link, relay, output } = await begin({ deadlineMs: 20 });
        await new Promise((resolve) => setTimeout(resolve, 60));
        expect(link.said).toEqual(['cancel']);
        link.listener.lost();
        await relay.done;
        expect(output.ending).toBe('node_lost');
    });
});

test('a receipt that cannot be stored never leaves, and the node is stopped', async () => {
    const { relay, link, output, sealer } = await begin();
    const wire = opening(sealer);
    link.listener.frames(wire);
    jest.spyOn(ledger, 'recordReceipt').mockRejectedValue(new Error('disk full'));
    link.listener.frames(finalOf(sealer).wire);
    await relay.done;
    expect(output.bytes.equals(wire)).toBe(true);
    expect(output.ending).toBe('node_lost');
    expect(link.said).toEqual(['cancel', 'release']);
});

test('after its end nothing is passed on any more', async () => {
    const { relay, link, output, sealer } = await begin();
    link.listener.frames(Buffer.concat([opening(sealer), finalOf(sealer).wire]));
    await relay.done;
    const bytes = output.bytes.length;
    link.listener.frames(Buffer.alloc(100));
    link.listener.refused({ code: 'node_busy', message: '' });
    link.listener.lost();
    relay.cancel(new DispatchError('deadline_passed', 'late'));
    await new Promise((resolve) => setImmediate(resolve));
    expect([output.bytes.length, output.ending]).toEqual([bytes, 'whole']);
});
