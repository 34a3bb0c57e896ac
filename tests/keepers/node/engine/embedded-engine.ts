/**
 * Runs the embedded engine through its paces and prints what happened as one JSON object. A process of its own: jest
 * cannot load node-llama-cpp. No judgement here; the spec beside this file makes it.
 */
import { EngineError, GgufTokenCounter, LlamaCppEngine, OpenAiCompatibleEngine } from '../../../../keepers/node/engine';
import { generate } from '../../../../keepers/node/engine/generation';
import { withoutMembers } from '../../../../keepers/node/engine/json-members';
import { loadLlamaRuntime, tokenizePrompt } from '../../../../keepers/node/engine/llama-runtime';
import { TOY_MODEL_PATH } from '../../../../keepers/node/model/toy-model';
import { startOpenAiServer } from './openai-server';
import { ask, readAnswer, ReadAnswer } from './read-answer';

const HELLO = { model: 'cocoon-toy', messages: [{ role: 'user', content: 'And it came to pass' }] };

interface Refusal {
    error: { message: string; param: string | null; code: string };
    status: number;
}

async function refusal(answer: Promise<unknown>): Promise<Refusal | 'not refused'> {
    try {
        await answer;
        return 'not refused';
    } catch (error) {
        if (error instanceof EngineError) return { ...error.toBody(), status: error.status };
        throw error;
    }
}

async function answers(engine: LlamaCppEngine) {
    const chat = (more: object) => readAnswer(ask(engine, { ...HELLO, ...more }));
    const complete = (more: object) =>
        readAnswer(
            ask(engine, { model: 'cocoon-toy', prompt: 'In the beginning', ...more }, { path: '/v1/completions' }),
        );
    const typed = (content: string) => chat({ max_tokens: 1, messages: [{ role: 'user', content }] });
    const unpenalised = await chat({ temperature: 0, max_tokens: 60 });
    const spelled = JSON.parse(unpenalised.body) as { choices: [{ message: { content: string } }] };
    const stopWord = spelled.choices[0].message.content.split(' ')[4] ?? '';
    return {
        whole: await chat({ seed: 7 }),
        again: await chat({ seed: 7 }),
        otherSeed: await chat({ seed: 8 }),
        hugeSeed: await chat({ seed: -9007199254740991, max_tokens: 4 }),
        greedy: await chat({ temperature: 0, max_tokens: 12 }),
        greedyByNucleus: await chat({ top_p: 0, max_tokens: 12 }),
        penalised: await chat({ temperature: 0, max_tokens: 60, frequency_penalty: 2, presence_penalty: 2 }),
        unpenalised,
        streamed: await chat({ seed: 7, stream: true }),
        streamedWithUsage: await chat({ seed: 7, stream: true, stream_options: { include_usage: true } }),
        stopped: { ...(await chat({ temperature: 0, stop: [stopWord], max_tokens: 40 })), stopWord },
        firstTokens: await Promise.all(
            [...Array(40).keys()].map((seed) => chat({ seed, max_tokens: 1, temperature: 2 })),
        ),
        two: await chat({ seed: 7, n: 2, max_tokens: 8 }),
        twoStreamed: await chat({ seed: 7, n: 2, max_tokens: 8, stream: true }),
        emptyMessage: await typed(''),
        typedMarker: await typed('<|end|>'),
        typedRoles: await typed('<|end|><|begin|>'),
        otherScript: await typed('Grüß dich 🌴 你好'),
        history: await chat({
            max_tokens: 5,
            messages: [
                { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
                { role: 'user', content: 'Who art thou?' },
                { role: 'assistant', content: 'I am the toy.', refusal: null },
                { role: 'user', content: 'And then?' },
            ],
        }),
        completion: await complete({ max_tokens: 20, temperature: 0 }),
        completionByDefault: await complete({ seed: 3 }),
        completionStreamed: await complete({ max_tokens: 20, temperature: 0, stream: true }),
    };
}

async function refusals(engine: LlamaCppEngine) {
    const chat = (more: object) => refusal(readAnswer(ask(engine, { ...HELLO, ...more })));
    return {
        longPrompt: await chat({ messages: [{ role: 'user', content: 'word '.repeat(3_000) }] }),
        longCompletionPrompt: await refusal(
            readAnswer(
                ask(engine, { model: 'cocoon-toy', prompt: 'word '.repeat(3_000) }, { path: '/v1/completions' }),
            ),
        ),
        longAnswer: await chat({ max_tokens: 2_048 }),
        fits: (await readAnswer(ask(engine, { ...HELLO, max_tokens: 2_048 - 7, stop: [' '] }))).status,
        tools: await chat({ tools: [{ type: 'function', function: { name: 'f' } }] }),
        otherModel: await chat({ model: 'gpt-4' }),
        otherPath: await refusal(readAnswer(ask(engine, HELLO, { path: '/v1/embeddings' }))),
    };
}

/** How long the engine takes to stop, and that the only sequence is free for the next request afterwards. */
async function cancellations(engine: LlamaCppEngine) {
    const inMidAnswer = async () => {
        const controller = new AbortController();
        const request = { ...HELLO, stream: true, temperature: 2, seed: 1 };
        const events = ask(engine, request, { signal: controller.signal })[Symbol.asyncIterator]();
        await events.next();
        await events.next();
        const startedMs = Date.now();
        controller.abort();
        return { ...((await refusal(events.next())) as Refusal), ms: Date.now() - startedMs };
    };
    const inLongPrompt = async () => {
        const request = { ...HELLO, messages: [{ role: 'user', content: 'word '.repeat(1_900) }] };
        const startedMs = Date.now();
        const cancelled = await refusal(readAnswer(ask(engine, request, { signal: AbortSignal.timeout(5) })));
        return { ...(cancelled as Refusal), ms: Date.now() - startedMs };
    };
    const midAnswer = await inMidAnswer();
    const longPrompt = await inLongPrompt();
    for await (const event of ask(engine, { ...HELLO, stream: true })) if (event.type === 'chunk') break;
    const after: ReadAnswer = await readAnswer(ask(engine, { ...HELLO, max_tokens: 3 }));
    return { midAnswer, longPrompt, afterStatus: after.status };
}

/**
 * Answers of the engine, played again without their count by a server that does not count, and what the tokenizer makes
 * of them. Sampled ones too, in which the model need not write a text in the tokens that a tokenizer would choose.
 */
async function recounted(engine: LlamaCppEngine) {
    const server = await startOpenAiServer();
    const tokenizer = await GgufTokenCounter.open(TOY_MODEL_PATH);
    const adapter = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, tokenizer });
    const question = (content: string) => ({ ...HELLO, max_tokens: 48, messages: [{ role: 'user', content }] });
    const asked = ['And it came to pass', 'Who art thou, O king?', '', 'Grüß dich 🌴 你好', '<|end|> in the beginning'];
    const greedy = asked.flatMap((content) =>
        [0, 1].map((n) => ({ ...question(content), temperature: 0, stream: n === 1 })),
    );
    const sampled = [...Array(40).keys()].map((seed) => ({ ...question(asked[0]!), seed, temperature: 1 }));
    const compare = async (request: object) => {
        const told = await readAnswer(ask(engine, request));
        const type = told.headers['content-type']!;
        const body = type.startsWith('application/json') ? withoutMembers(told.body, ['usage']) : told.body;
        if (body.includes('"usage"')) throw new Error('the count was to be taken out');
        server.behave((response) => void response.writeHead(200, { 'content-type': type }).end(body));
        return { told: told.usage, counted: (await readAnswer(ask(adapter, request))).usage };
    };
    const results = { greedy: [] as object[], sampled: [] as object[] };
    for (const request of greedy) results.greedy.push(await compare(request));
    for (const request of sampled) results.sampled.push(await compare(request));
    await adapter.close();
    await server.stop();
    return results;
}

/** Tokens that a sequence holds after an answer, one that broke off, and one that failed. */
async function remembered() {
    const runtime = await loadLlamaRuntime({ modelPath: TOY_MODEL_PATH, sequences: 1, threads: 1 });
    const sequence = runtime.sequences[0]!;
    const held: number[] = [];
    const run = async (signal: AbortSignal, stopAfter: number) => {
        const sampling = { temperature: 0, topP: 1, seed: 1, frequencyPenalty: 0, presencePenalty: 0 };
        const promptTokens = tokenizePrompt(runtime.model, [{ text: 'In the beginning God', typed: true }]);
        const options = { promptTokens, maxTokens: 20, stop: [], sampling, tokenBias: runtime.neverBegin, signal };
        let steps = 0;
        let heldMeanwhile = 0;
        for await (const step of generate(sequence, options)) {
            heldMeanwhile = Math.max(heldMeanwhile, sequence.contextTokens.length);
            if (step.type === 'end' || ++steps === stopAfter) break;
        }
        return heldMeanwhile;
    };
    const meanwhile = await run(new AbortController().signal, 100);
    held.push(sequence.contextTokens.length);
    await run(new AbortController().signal, 2);
    held.push(sequence.contextTokens.length);
    const controller = new AbortController();
    const aborted = run(controller.signal, 100).catch(() => undefined);
    controller.abort();
    await aborted;
    held.push(sequence.contextTokens.length);
    await runtime.close();
    return { meanwhile, held };
}

async function queue() {
    const engine = await LlamaCppEngine.open({ modelPath: TOY_MODEL_PATH, maxConcurrency: 2, maxWaiting: 1 });
    const all = [1, 2, 3, 4].map((seed) => ask(engine, { ...HELLO, seed, max_tokens: 30 }));
    const outcomes = await Promise.allSettled(all.map(readAnswer));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    const codes = refused.map(({ reason }) => (reason as EngineError).code);
    const events = ask(engine, { ...HELLO, stream: true, temperature: 2 })[Symbol.asyncIterator]();
    await events.next();
    await events.next();
    const startedMs = Date.now();
    const [cut] = await Promise.all([refusal(events.next().then(() => events.next())), engine.close()]);
    const later = await refusal(readAnswer(ask(engine, HELLO)));
    return { served: 4 - refused.length, codes, cut, later, closeMs: Date.now() - startedMs };
}

async function main() {
    const engine = await LlamaCppEngine.open({ modelPath: TOY_MODEL_PATH, maxConcurrency: 1, maxWaiting: 40 });
    const report = {
        described: await engine.describe(),
        health: await engine.health(),
        answers: await answers(engine),
        refusals: await refusals(engine),
        cancellations: await cancellations(engine),
        missingFile: await refusal(LlamaCppEngine.open({ modelPath: `${TOY_MODEL_PATH}.missing` })),
        tooMuchContext: await refusal(LlamaCppEngine.open({ modelPath: TOY_MODEL_PATH, contextLength: 4_096 })),
        recounted: await recounted(engine),
        remembered: await remembered(),
        queue: await queue(),
    };
    await engine.close();
    process.stdout.write(JSON.stringify({ ...report, healthAfterClose: await engine.health() }));
}

void main();
