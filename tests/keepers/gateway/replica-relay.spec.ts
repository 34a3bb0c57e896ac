import { systemClock } from '../../../keepers/base';
import type { DispatcherClient, Relayed } from '../../../keepers/gateway/dispatcher-client';
import type { AnswerFrames } from '../../../keepers/gateway/frame-queue';
import { DialFailed } from '../../../keepers/gateway/relay-link';
import { ReplicaRelay } from '../../../keepers/gateway/replica-relay';

type Answer = Relayed | Error;
const refused = (code: string): Relayed => ({ ok: false, refusal: { status: 503, code, message: code } });
const answering = (pieces: string[], end?: Error): Relayed => {
    async function* frames() {
        for (const piece of pieces) yield Buffer.from(piece);
        if (end !== undefined) throw end;
    }
    return { ok: true, frames: Object.assign(frames(), { destroy: () => undefined }) as unknown as AnswerFrames };
};

/** Replicas that answer what the test says, in turn, the last answer again and again. */
function relayBy(answers: Record<string, Answer[]>) {
    const asked: string[] = [];
    const left: string[] = [];
    const clients = Object.entries(answers).map(([url, turns]) => ({
        url,
        relay: async ({ resumeFrom }: { resumeFrom?: number }) => {
            asked.push(resumeFrom === undefined ? url : `${url} from ${resumeFrom}`);
            const answer = turns.length > 1 ? turns.shift()! : turns[0]!;
            if (answer instanceof Error) throw answer;
            return answer;
        },
    })) as unknown as DispatcherClient[];
    const relay = new ReplicaRelay({
        request: { requestId: Buffer.alloc(16), envelope: Buffer.alloc(1) },
        replicas: () => clients,
        signal: new AbortController().signal,
        onLeft: (url) => left.push(url),
        clock: systemClock,
        patienceMs: 0,
    });
    return { relay, asked, left };
}

async function read(relayed: Relayed): Promise<string> {
    if (!relayed.ok) throw new Error(`refused: ${relayed.refusal.code}`);
    let text = '';
    for await (const bytes of relayed.frames) text += bytes.toString();
    return text;
}

test('an answer whose replica breaks goes on through another, from the byte up to which it was read', async () => {
    const { relay, asked, left } = relayBy({
        a: [answering(['one ', 'two '], new Error('cut off')), new DialFailed('down')],
        b: [answering(['three'])],
    });
    expect(await read(await relay.relay())).toBe('one two three');
    // The one that broke it is asked first: only its connection may have gone.
    expect([asked, left]).toEqual([
        ['a', 'a from 8', 'b from 8'],
        ['a', 'a'],
    ]);
});

test('a replica that was never reached has passed nothing on: the next one gets the request as a new one', async () => {
    const { relay, asked, left } = relayBy({ a: [new DialFailed('down')], b: [answering(['whole'])] });
    expect(await read(await relay.relay())).toBe('whole');
    expect([asked, left]).toEqual([['a', 'b'], ['a']]);
});

test('after one that may have passed it on, the next is asked to resume: nothing runs twice', async () => {
    const { relay, asked } = relayBy({ a: [new Error('broke while it was sent')], b: [answering(['whole'])] });
    expect(await read(await relay.relay())).toBe('whole');
    expect(asked).toEqual(['a', 'b from 0']);
});

test('a replica that lost the node may have passed it on as well, and is not left for it', async () => {
    const { relay, asked, left } = relayBy({ a: [refused('node_lost')], b: [answering(['whole'])] });
    expect(await read(await relay.relay())).toBe('whole');
    expect([asked, left]).toEqual([['a', 'b from 0'], []]);
});

test('one that drains is left for another', async () => {
    const { relay, asked, left } = relayBy({ a: [refused('draining')], b: [answering(['whole'])] });
    expect(await read(await relay.relay())).toBe('whole');
    expect([asked, left]).toEqual([['a', 'b'], ['a']]);
});

test('a refusal that is about the request is final: no other replica is asked', async () => {
    const { relay, asked } = relayBy({ a: [refused('escrow_insufficient')], b: [answering(['whole'])] });
    expect(await relay.relay()).toEqual(refused('escrow_insufficient'));
    expect(asked).toEqual(['a']);
});

test('where no replica has the node, that is the answer; where none can be reached, the dial has failed', async () => {
    const gone = relayBy({ a: [refused('node_unknown')], b: [refused('node_unknown')] });
    expect(await gone.relay.relay()).toEqual(refused('node_unknown'));
    const down = relayBy({ a: [new DialFailed('down')], b: [new DialFailed('down')] });
    await expect(down.relay.relay()).rejects.toThrow(DialFailed);
});

test('an answer that nobody goes on with breaks with what broke it', async () => {
    const { relay } = relayBy({
        a: [answering(['one '], new Error('cut off')), new DialFailed('down')],
        b: [refused('request_unknown')],
    });
    await expect(read(await relay.relay())).rejects.toThrow('cut off');
});

test('a dispatcher without replicas is asked once, and its answer is handed on as it is', async () => {
    const { relay, asked } = relayBy({ a: [answering(['one '], new Error('cut off'))] });
    await expect(read(await relay.relay())).rejects.toThrow('cut off');
    expect(asked).toEqual(['a']);
});
