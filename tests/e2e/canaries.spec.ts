import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { TonClient } from '@ton/ton';
import { TOY_MODEL_ID, TOY_MODEL_PATH, ggufModelRoot } from '../../keepers/node';
import { CaptureProxy } from '../../keepers/devnet/demo/capture-proxy';
import { runRoleStatus } from '../../keepers/cli/admin/status';
import { runDoctor as runDoctorOfRoles } from '../../keepers/cli/doctor/doctor';
import { runDoctor } from '../../keepers/cli/provider/doctor';
import { runEarnings } from '../../keepers/cli/provider/earnings';
import { runSetPrices } from '../../keepers/cli/provider/set-prices';
import { runStatus } from '../../keepers/cli/provider/status';
import { type NodeKey, Payout, Provider } from '../../wrappers';
import { Canaries, type Capture, captureOf, countsFoundIn, countsInDatabase } from './canary';
import { countedUsage, startQuotingEngine } from './quoting-engine';
import { eventually, RunningNetwork } from './running-network';

let capture: CaptureProxy;
let engine: Awaited<ReturnType<typeof startQuotingEngine>>;

const running = new RunningNetwork(async () => {
    engine = await startQuotingEngine();
    const modelRoot = (await ggufModelRoot(TOY_MODEL_PATH, TOY_MODEL_ID)).toString('hex');
    const capabilities = ['chat.completions', 'completions', 'embeddings'];
    const quoting = { kind: 'openai', url: engine.baseUrl, dialect: 'plain', capabilities, modelRoot };
    return {
        engines: { 'node-2': quoting },
        // Whatever anyone would ever log.
        logLevel: 'trace',
        interpose: async (url) => (capture = await CaptureProxy.start(url)).url,
    };
});

afterAll(async () => {
    await capture?.close();
    await engine?.stop();
});

const canaries = new Canaries();
const quoting = () => engine.model;
const chat = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
const ended = (act: Promise<unknown>) =>
    act.then(
        () => 'fine',
        (error: { status?: number }) => error.status ?? 'broken',
    );

async function raw(body: string, headers: Record<string, string> = {}): Promise<number> {
    const request = httpRequest(`${running.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    return response.statusCode;
}

/** What the dispatcher sent, received, stored and logged. */
function ofDispatcher(): Capture[] {
    const { layout } = running.network;
    const folder = layout.data('');
    const files = readdirSync(folder).filter((name) => name.startsWith('dispatcher'));
    return [
        { where: 'traffic', bytes: capture.captured() },
        ...files.map((name) => captureOf(name, path.join(folder, name))),
        captureOf('dispatcher.log', layout.log('dispatcher')),
    ];
}

/** What stands outside the TEE of a node, and in the log of the client's own gateway. */
function ofHosts(): Capture[] {
    const { layout } = running.network;
    const folder = layout.data('');
    const exported = readdirSync(folder).filter((name) => name.startsWith('node-'));
    return [
        ...exported.map((name) => captureOf(name, path.join(folder, name))),
        ...['node-1', 'node-2', 'gateway', 'settler', 'registrar'].map((name) =>
            captureOf(`${name}.log`, layout.log(name)),
        ),
    ];
}

const node2Config = () => running.network.layout.config('node-2');

describe('planted prompts, answers and token counts', () => {
    running.test('go through whole answers of a real model', async () => {
        const prompt = canaries.plant('prompt of a chat');
        const body = { model: 'cocoon-toy', max_tokens: 16, ...chat(`In the beginning ${prompt}`) };
        const { choices } = await running.client().chat.completions.create(body);
        canaries.add(choices[0]!.message.content!, 'answer of a chat');
    });

    running.test('go through streams of a real model', async () => {
        const prompt = canaries.plant('prompt of a stream');
        const body = { model: 'cocoon-toy', max_tokens: 24, stream: true as const, ...chat(`And the king ${prompt}`) };
        let text = '';
        for await (const chunk of await running.client().chat.completions.create(body))
            text += chunk.choices[0]?.delta.content ?? '';
        canaries.add(text, 'answer of a stream');
    });

    running.test('go through tool calls and their results', async () => {
        const prompt = canaries.plant('arguments of a tool call');
        const parameters = { type: 'object', properties: { [canaries.plant('schema of a tool')]: { type: 'string' } } };
        const tools = [{ type: 'function' as const, function: { name: 'look', parameters } }];
        const first = await running.client().chat.completions.create({ model: quoting(), tools, ...chat(prompt) });
        const call = first.choices[0]!.message.tool_calls![0]!;
        expect(JSON.stringify(call)).toContain(prompt);
        const messages = [
            ...chat(prompt).messages,
            first.choices[0]!.message,
            { role: 'tool' as const, tool_call_id: call.id, content: canaries.plant('result of a tool') },
        ];
        expect(await ended(running.client().chat.completions.create({ model: quoting(), tools, messages }))).toBe(
            'fine',
        );
    });

    running.test('go through completions and embeddings', async () => {
        const client = running.client();
        const prompt = canaries.plant('prompt of a completion');
        const { choices } = await client.completions.create({ model: quoting(), max_tokens: 8, prompt });
        expect(choices[0]!.text).toBe(prompt);
        const input = canaries.plant('input of an embedding');
        expect(
            (await client.embeddings.create({ model: quoting(), input, encoding_format: 'float' })).data,
        ).toHaveLength(1);
    });

    running.test('go through an answer whose token counts occur nowhere by chance', async () => {
        const prompt = `count ${canaries.plant('a long prompt')} ${'word '.repeat(24_000)}`;
        const { usage } = await running
            .client()
            .chat.completions.create({ model: quoting(), max_tokens: 200_000, ...chat(prompt) });
        expect(usage).toMatchObject({
            prompt_tokens: countedUsage.promptTokens,
            completion_tokens: countedUsage.completionTokens,
        });
    });

    running.test('go through errors of an engine that quotes them, and streams that it breaks off', async () => {
        const client = running.client();
        const of = (act: string, stream = false) => ({
            model: quoting(),
            stream,
            ...chat(`${act} ${canaries.plant(`prompt of an engine that would ${act}`)}`),
        });
        expect(await ended(client.chat.completions.create(of('refuse')))).toBe(400);
        expect(await ended(client.chat.completions.create(of('fail')))).toBe(502);
        expect(await ended(client.chat.completions.create(of('garbage')))).toBe(502);
        const broken = (async () => {
            const stream = await client.chat.completions.create({ ...of('break'), stream: true as const });
            for await (const chunk of stream) expect(chunk).toBeDefined();
        })();
        expect(await ended(broken)).not.toBe('fine');
    });

    running.test('go through a stream that the client leaves', async () => {
        const prompt = canaries.plant('prompt of a stream that is left');
        const body = { model: 'cocoon-toy', max_tokens: 1_500, stream: true as const, ...chat(`The river ${prompt}`) };
        const stream = await running.client().chat.completions.create(body);
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
        stream.controller.abort();
    });

    running.test('go through requests under a key of the caller’s', async () => {
        const apiKey = canaries.plant('API key');
        const prompt = canaries.plant('prompt under an API key');
        const asked = running.client({ apiKey }).chat.completions.create({ model: quoting(), ...chat(prompt) });
        expect(await ended(asked)).toBe('fine');
    });

    running.test('go through requests that are malformed', async () => {
        const canary = canaries.plant('body that is no JSON');
        expect(await raw(`{"model": "${canary}`)).toBe(400);
        const named = canaries.plant('name of a model that nobody has');
        expect(await raw(JSON.stringify({ model: named, ...chat(canaries.plant('prompt to nobody')) }))).toBe(404);
        expect(await raw(JSON.stringify({ model: 7, messages: canaries.plant('messages of the wrong type') }))).toBe(
            400,
        );
        const wrong = { model: quoting(), max_tokens: canaries.plant('number of the wrong type'), ...chat('x') };
        expect(await raw(JSON.stringify(wrong))).toBe(400);
        const body = JSON.stringify({ model: quoting(), max_tokens: 8, ...chat(canaries.plant('prompt under a key')) });
        expect(await raw(body, { 'idempotency-key': canaries.plant('idempotency key') })).toBe(200);
        expect(await raw(body, { 'x-cocoon-timeout': canaries.plant('header of the wrong form') })).toBe(400);
    });
});

describe('the commands of a provider, while its node runs', () => {
    const outputs: Capture[] = [];

    async function run(act: Promise<{ output: string; exitCode: number }>) {
        const { output, exitCode } = await act;
        outputs.push({ where: 'output of a command', bytes: Buffer.from(output) });
        return { exitCode, json: JSON.parse(output) as Record<string, unknown> };
    }

    running.test('doctor finds nothing that fails', async () => {
        const { exitCode, json } = await run(runDoctor({ config: node2Config(), json: true }));
        const checks = json['checks'] as { check: string; state: string; next: string | null }[];
        expect(checks.filter(({ state }) => state === 'fail')).toEqual([]);
        expect(exitCode).toBe(0);
        const names = [
            'tee',
            'gpu',
            'engine',
            'chain',
            'deployment',
            'provider',
            'bond',
            'admission',
            'gas',
            'receipts',
        ];
        const others = ['clock', 'disk', 'core_dumps', 'image', 'model', 'platform', 'collateral'];
        expect(checks.map(({ check }) => check).sort()).toEqual([...names, ...others].sort());
    });

    running.test('prices are published without a restart, and the dispatcher lists the offer', async () => {
        const prices = { config: node2Config(), model: quoting(), output: '9', json: true };
        const dry = await run(runSetPrices({ ...prices, dryRun: true }));
        expect(dry.json).toMatchObject({ state: 'dry_run', after: { outputNano: '9000000000' } });
        const { exitCode, json } = await run(runSetPrices(prices));
        expect([exitCode, json['state']]).toEqual([0, 'live']);
        await expect(runSetPrices({ ...prices, model: 'none such' })).rejects.toThrow(/does not serve none such/);
        const listed = await eventually('the gateway takes the new price', async () => {
            const retrieved = (await running.client().models.retrieve(quoting())) as unknown as object;
            return JSON.stringify(retrieved).includes('9000000000') ? retrieved : undefined;
        });
        expect(listed).toBeDefined();
    });

    running.test('status says why there is no work', async () => {
        const { exitCode, json } = await run(runStatus({ config: node2Config(), json: true }));
        expect(exitCode).toBe(0);
        expect(json).toMatchObject({
            market: { nodes: 2 },
            node: { phase: 'serving', dispatcher: { connected: true } },
        });
        const collateralUrl = running.network.process('chain').ready['collateralUrl'] as string;
        const judged = await run(runStatus({ config: node2Config(), json: true, collateralUrl }));
        expect(judged.json['unknown']).toEqual([]);
        expect(judged.json['reasons']).not.toContainEqual(expect.objectContaining({ code: 'evidence_refused' }));
    });

    running.test('earnings add up to the receipts, by day and model', async () => {
        const options = { config: node2Config(), json: true, inputRatio: '3', estimate: true, utilisation: '0.5' };
        const { json } = await eventually('the tally is written', async () => {
            const found = await run(runEarnings(options));
            const sums = found.json as { signedNano: string; models: { costNano: string }[] };
            const tallied = sums.models.reduce((sum, { costNano }) => sum + BigInt(costNano), 0n);
            return tallied === BigInt(sums.signedNano) ? found : undefined;
        });
        const sums = Object.fromEntries(
            Object.entries(json).map(([name, value]) => [name, typeof value === 'string' ? BigInt(value) : 0n]),
        );
        expect(sums['signedNano']).toBeGreaterThan(167_000_000n);
        expect(sums['settledNano']! + sums['outstandingNano']! + sums['pastNano']! + sums['lostNano']!).toBe(
            sums['signedNano'],
        );
        expect(json['models']).toMatchObject([{ model: quoting() }]);
        expect(BigInt((json['estimate'] as { netNano: string }).netNano)).toBeGreaterThan(0n);
    });

    const roles = ['registrar', 'dispatcher', 'settler', 'gateway', 'node-1', 'node-2'];
    const adminUrl = (name: string) => running.network.process(name).ready['adminUrl'] as string;

    running.test('the doctor of every role finds nothing that fails', async () => {
        const config = roles.map((name) => running.network.layout.config(name));
        const { exitCode, json } = await run(runDoctorOfRoles({ config, json: true }));
        const examined = json['roles'] as {
            role: string;
            checks: { check: string; state: string; detail: string }[];
        }[];
        expect(examined.flatMap(({ checks }) => checks).filter(({ state }) => state === 'fail')).toEqual([]);
        expect(exitCode).toBe(0);
    });

    running.test('every role is ready, and says so where its settings name its listener', async () => {
        for (const name of roles) {
            const { exitCode, json } = await run(
                runRoleStatus({ config: running.network.layout.config(name), json: true }),
            );
            expect([name, exitCode, json['reasons']]).toEqual([name, 0, []]);
        }
    });

    running.test('an unmodified TonClient reads by the wrappers what the contracts answer in tuples', async () => {
        const { actors, deployment, hub } = running.network;
        const endpoint = running.network.process('chain').ready['endpoint'] as string;
        const client = new TonClient({ endpoint });
        const owner = actors.wallets['provider-1'].address;
        const provider = client.open(await Provider.createFromConfig({ registry: deployment.registry, owner }));
        const [[hex, key]] = [...(await provider.getKeys())] as [[string, NodeKey]];
        const nodeKey = Buffer.from(hex, 'hex');
        expect(await provider.getKey(nodeKey)).toEqual(key);
        expect(await client.open(Payout.createFromAddress(hub)).getNode(nodeKey)).toMatchObject({
            ownerId: owner.hash,
            notAfter: key.notAfter,
            revokedAt: null,
        });
    });

    running.test('metrics count what was asked at every hop', async () => {
        for (const name of roles) {
            const text = await (await fetch(`${adminUrl(name)}/metrics`)).text();
            outputs.push({ where: `metrics of ${name}`, bytes: Buffer.from(text) });
            const hop = name.split('-')[0]!;
            if (['gateway', 'dispatcher', 'node'].includes(hop))
                expect(text).toMatch(new RegExp(`^cocoon_${hop}_requests_total\\{outcome="answered"\\} [1-9]`, 'm'));
        }
    });

    running.test('show nothing that was planted', async () => {
        expect(canaries.foundIn(outputs)).toEqual([]);
        expect(countsFoundIn(outputs, [countedUsage])).toEqual([]);
    });
});

describe('of all that was planted', () => {
    running.test('the scan finds what passes the dispatcher in clear', async () => {
        const control = new Canaries();
        const [body, header] = [control.plant('a body in clear'), control.plant('a header in clear')];
        await fetch(`${running.network.dispatcherUrl}/v1/requests`, {
            method: 'POST',
            headers: { 'content-type': 'application/octet-stream', 'x-header': Buffer.from(header).toString('base64') },
            body: `${'x'.repeat(13)}${body}`,
        });
        const traffic = ofDispatcher().filter(({ where }) => where === 'traffic');
        expect(control.foundIn(traffic).sort()).toEqual(['a body in clear in traffic', 'a header in clear in traffic']);
        const usage = { usage: { prompt_tokens: countedUsage.promptTokens } };
        const planted = [{ where: 'here', bytes: Buffer.from(JSON.stringify(usage)) }];
        expect(countsFoundIn(planted, [countedUsage])).toEqual([`${countedUsage.promptTokens} in here`]);
        const encoded = Buffer.alloc(24);
        encoded.writeUInt32BE(countedUsage.promptTokens, 5);
        expect(countsFoundIn([{ where: 'here', bytes: encoded }], [countedUsage])).toEqual(['a usage in here']);
    });

    running.test(
        'the dispatcher’s traffic, disk and log show none, nor do the hosts of nodes and gateway',
        async () => {
            await running.network.process('node-1').stop('SIGKILL');
            for (const name of ['gateway', 'node-2', 'settler', 'dispatcher'])
                await running.network.process(name).stop();
            const keys = running.network.layout.key('');
            for (const name of readdirSync(keys))
                canaries.add(readFileSync(path.join(keys, name), 'utf8').trim(), `key ${name}`);
            const everywhere = [...ofDispatcher(), ...ofHosts()];
            expect(canaries.count).toBeGreaterThan(20);
            expect(capture.captured().length).toBeGreaterThan(200_000);
            expect(everywhere.map(({ where }) => where)).toEqual(
                expect.arrayContaining([
                    'dispatcher.sqlite',
                    'dispatcher.log',
                    'node-2.receipts.jsonl',
                    'node-2.log',
                    'gateway.log',
                ]),
            );
            expect(canaries.foundIn(everywhere)).toEqual([]);
            expect(countsFoundIn(everywhere, [countedUsage])).toEqual([]);
            const counts = [countedUsage.promptTokens, countedUsage.completionTokens];
            const ledger = running.network.layout.data('dispatcher.sqlite');
            expect(countsInDatabase(ledger, counts)).toEqual([]);
            // The scan of columns does find numbers: every stream has a first receipt.
            expect(countsInDatabase(ledger, [1])).not.toEqual([]);
        },
    );
});
