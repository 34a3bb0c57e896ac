import { measureConfigured, measureEngine } from '../../../../keepers/cli/provider/measure-engine';
import { openNodeContext } from '../../../../keepers/cli/provider/node-context';
import { OpenAiCompatibleEngine } from '../../../../keepers/node/engine';
import { json, startOpenAiServer } from '../../node/engine/openai-server';
import { configured } from './configured-node';

const answerMs = 20;
const answerTokens = 5;

let server: Awaited<ReturnType<typeof startOpenAiServer>>;
let mostAtOnce = 0;

beforeEach(async () => {
    server = await startOpenAiServer();
    let open = 0;
    mostAtOnce = 0;
    server.behave(async (response, request) => {
        if (request.path === '/v1/models') {
            const data = [{ id: 'm', max_model_len: 4096 }];
            return json(200, { object: 'list', data })(response, request);
        }
        mostAtOnce = Math.max(mostAtOnce, ++open);
        await new Promise((resolve) => setTimeout(resolve, answerMs));
        open -= 1;
        const usage = { prompt_tokens: 9, completion_tokens: answerTokens, total_tokens: 9 + answerTokens };
        const choices = [{ index: 0, message: { role: 'assistant', content: 'a b c d e' }, finish_reason: 'stop' }];
        return json(200, { id: 'x', object: 'chat.completion', choices, usage })(response, request);
    });
});
afterEach(() => server.stop());

async function withEngine<T>(use: (engine: OpenAiCompatibleEngine) => Promise<T>): Promise<T> {
    const engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, maxConcurrency: 3 });
    try {
        return await use(engine);
    } finally {
        await engine.close();
    }
}

const asked = () => server.seen.filter(({ path }) => path !== '/v1/models');

test('every place is kept busy; what counts is the engine’s own usage over the time that it took', async () => {
    const measured = await withEngine((engine) => measureEngine(engine, { model: 'm', durationMs: 200 }));
    expect([measured.places, mostAtOnce]).toEqual([3, 3]);
    expect(measured.answers).toBe(asked().length);
    expect(measured.answers).toBeGreaterThan(3);
    expect(measured.outputTokens).toBe(measured.answers * answerTokens);
    expect(measured.tookMs).toBeGreaterThanOrEqual(200);
    expect(measured.tokensPerSecond).toBeCloseTo((measured.outputTokens * 1000) / measured.tookMs, 0);
});

test('no two questions begin alike, so that no cached prefix flatters the engine', async () => {
    await withEngine((engine) => measureEngine(engine, { model: 'm', durationMs: 100 }));
    const firsts = asked().map(
        ({ body }) => (JSON.parse(body) as { messages: [{ content: string }] }).messages[0].content.split(' ')[0],
    );
    expect(new Set(firsts).size).toBe(firsts.length);
});

test('it says how it goes on the way', async () => {
    const lines: string[] = [];
    await withEngine((engine) =>
        measureEngine(engine, { model: 'm', durationMs: 2_200, onProgress: (line) => lines.push(line) }),
    );
    expect(lines[0]).toMatch(/^measuring m: \d+ answers, \d+ tokens a second$/);
});

test('a model that the engine does not serve is refused, naming those that it does', async () => {
    await expect(withEngine((engine) => measureEngine(engine, { model: 'other' }))).rejects.toMatchObject({
        code: 'argument_invalid',
        message: 'the engine serves m, not other',
    });
    expect(asked()).toEqual([]);
});

test('the engine of the configuration is opened and measured', async () => {
    const engine = {
        kind: 'openai',
        dialect: 'plain',
        url: server.baseUrl,
        modelRoot: '00'.repeat(32),
        maxConcurrency: 2,
    };
    const context = await openNodeContext({ config: await configured({ settings: { engine } }) });
    expect(await measureConfigured(context, { model: 'm', durationMs: 50 })).toMatchObject({ model: 'm', places: 2 });
    await context.client.close();
});

test('an embedded engine that a running node has loaded is not loaded a second time', async () => {
    const context = await openNodeContext({
        config: await configured({ settings: { engine: { kind: 'llama-cpp' } } }),
    });
    await expect(measureConfigured({ ...context, running: true }, { model: 'm' })).rejects.toThrow(/stop the node/);
    await context.client.close();
});
