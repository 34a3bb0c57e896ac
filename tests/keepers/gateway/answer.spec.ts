import { silentLogger } from '../../../keepers/base';
import { AnswerOpener, bindingOfEnvelope } from '../../../keepers/confidential';
import { Answer, EngineFailure, type FinalEvent } from '../../../keepers/gateway/answer';
import { GatewayError } from '../../../keepers/gateway/errors';
import {
    finalOf,
    modelIndex,
    offer,
    opening,
    sealerOf,
    sealRequest,
    usage,
    usageCostNano,
} from '../dispatch/sealed-request';

let count = 0;

/** An answer over the chunks that `wiresOf` seals, and what the gateway was told of it. */
async function answerOf(
    wiresOf: (sealer: ReturnType<typeof sealerOf>) => Buffer[],
    onFinal: (event: FinalEvent) => Promise<void> = async () => undefined,
) {
    const request = await sealRequest({ name: `answer ${count++}` });
    const told: string[] = [];
    let destroyed = 0;
    const chunks = wiresOf(sealerOf(request));
    const frames = {
        async *[Symbol.asyncIterator]() {
            yield* chunks;
        },
        destroy: () => void (destroyed += 1),
    };
    const answer = new Answer({
        requestId: 'id',
        nodeId: 'node',
        streaming: true,
        opener: new AnswerOpener({ to: bindingOfEnvelope(request.envelope), cek: request.cek, offer, modelIndex }),
        frames,
        onFinal: async (event) => {
            await onFinal(event);
            told.push('final');
        },
        onBroken: async (error) => void told.push(error.code),
        logger: silentLogger(),
    });
    return { answer, told, destroyed: () => destroyed };
}

async function codeOf(act: Promise<unknown>): Promise<string> {
    const error: unknown = await act.then(
        () => undefined,
        (reason: unknown) => reason,
    );
    if (error instanceof EngineFailure) return `engine ${error.status} ${error.engineCode}`;
    return error instanceof GatewayError ? error.code : String(error);
}

test('a whole answer: status, body, and what it cost once its receipt is kept', async () => {
    const { answer, told, destroyed } = await answerOf((sealer) => [opening(sealer, 'text'), finalOf(sealer).wire]);
    await answer.begin();
    expect([answer.status, answer.headers]).toEqual([200, { 'content-type': 'application/json' }]);
    expect((await answer.wholeBody()).toString()).toBe('text');
    expect(await answer.settled).toMatchObject({ costNano: usageCostNano, usage });
    expect(told).toEqual(['final']);
    expect(destroyed()).toBe(1);
});

test('a failure of the engine keeps its code and the field at fault', async () => {
    const failure = { status: 400, code: 'unsupported_parameter', message: 'no tools here', param: 'tools.0' };
    const { answer } = await answerOf((sealer) => [sealer.start(), sealer.error(failure), finalOf(sealer).wire]);
    const error = await answer.begin().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineFailure);
    const { status, ...body } = failure;
    expect((error as EngineFailure).status).toBe(status);
    expect((error as EngineFailure).toJSON().error).toEqual({ ...body, type: 'invalid_request_error' });
});

test('however the frames are cut into chunks', async () => {
    const { answer } = await answerOf((sealer) => {
        const wire = Buffer.concat([opening(sealer, 'text'), finalOf(sealer).wire]);
        return Array.from({ length: wire.length }, (_unused, index) => wire.subarray(index, index + 1));
    });
    await answer.begin();
    expect((await answer.wholeBody()).toString()).toBe('text');
});

describe('an answer that breaks off is no answer', () => {
    test('before its head', async () => {
        const { answer, told } = await answerOf((sealer) => [sealer.start()]);
        expect(await codeOf(answer.begin())).toBe('answer_truncated');
        expect(await codeOf(answer.settled)).toBe('answer_truncated');
        expect(told).toEqual(['answer_truncated']);
    });

    test('in its body', async () => {
        const { answer, told } = await answerOf((sealer) => [opening(sealer)]);
        await answer.begin();
        expect(await codeOf(answer.wholeBody())).toBe('answer_truncated');
        expect(told).toEqual(['answer_truncated']);
    });

    test('in the middle of its final frame', async () => {
        const { answer, told } = await answerOf((sealer) => [opening(sealer), finalOf(sealer).wire.subarray(0, -1)]);
        await answer.begin();
        expect(await codeOf(answer.wholeBody())).toBe('answer_truncated');
        expect(told).toEqual(['answer_truncated']);
    });
});

test('an altered byte anywhere makes it invalid, or truncated, but never whole', async () => {
    for (let at = 0; at < 700; at += 37) {
        const { answer, told } = await answerOf((sealer) => {
            const wire = Buffer.concat([opening(sealer), finalOf(sealer).wire]);
            wire[at % wire.length]! ^= 0x10;
            return [wire];
        });
        const code = await codeOf(answer.begin().then(() => answer.wholeBody()));
        expect(['answer_invalid', 'answer_truncated']).toContain(code);
        expect(told).toEqual([code]);
    }
});

test('bytes after the final frame make it invalid', async () => {
    const { answer } = await answerOf((sealer) => [opening(sealer), finalOf(sealer).wire, Buffer.from([2])]);
    await answer.begin();
    expect(await codeOf(answer.wholeBody())).toMatch(/answer_(invalid|truncated)/);
});

describe('an engine’s own error', () => {
    const failing = (code: string, status: number, headed: boolean) =>
        answerOf((sealer) => [
            headed ? opening(sealer, 'half') : sealer.start(),
            sealer.error({ status, code, message: 'sorry' }),
            finalOf(sealer).wire,
        ]);

    test('before the head comes with its status, after its receipt is kept', async () => {
        const { answer, told } = await failing('context_length_exceeded', 400, false);
        expect(await codeOf(answer.begin())).toBe('engine 400 context_length_exceeded');
        expect(told).toEqual(['final']);
    });

    test('after the head ends the body', async () => {
        const { answer, told } = await failing('engine_failed', 502, true);
        await answer.begin();
        expect(await codeOf(answer.wholeBody())).toBe('engine 502 engine_failed');
        expect(told).toEqual(['final']);
    });

    test('that says the work was cancelled is a deadline that passed', async () => {
        const { answer } = await failing('cancelled', 499, false);
        expect(await codeOf(answer.begin())).toBe('request_timeout');
    });
});

test('a receipt that does not fit what was known breaks the answer', async () => {
    const { answer, told } = await answerOf(
        (sealer) => [opening(sealer), finalOf(sealer).wire],
        () => Promise.reject(new GatewayError('answer_invalid', 'cumulative_fell')),
    );
    await answer.begin();
    expect(await codeOf(answer.wholeBody())).toBe('answer_invalid');
    expect(told).toEqual(['answer_invalid']);
});

test('a reader who stops early cuts the connection, and the answer counts as broken', async () => {
    const { answer, told, destroyed } = await answerOf((sealer) => [
        opening(sealer, 'one'),
        sealer.body(Buffer.from('two')),
        finalOf(sealer).wire,
    ]);
    await answer.begin();
    for await (const chunk of answer.body) {
        expect(chunk.toString()).toBe('one');
        break;
    }
    expect(destroyed()).toBe(1);
    expect(told).toEqual(['answer_truncated']);
});
