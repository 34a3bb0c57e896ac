import { createHash } from 'node:crypto';
import { createDevelopmentPki, startPcsServer } from '../../../keepers/attestation';
import { configSchemas } from '../../../keepers/config';
import { openEngine } from '../../../keepers/node/open-engine';
import { ollama } from './engine/dialects/ollama';
import { startScriptedEngine } from './engine/dialects/scripted-engine';
import { gpuPki, manifest, startDstackServer } from './engine/dstack-server';
import { ask, readAnswer } from './engine/read-answer';

const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 21), now: new Date() });
const zeros = '00'.repeat(48);
const modelRoot = '0a'.repeat(32);

describe('an engine in a dstack CVM, by configuration', () => {
    const settings = (url: string, collateralUrl: string, more: object = {}) =>
        configSchemas.node.in.shape.engine.parse({
            kind: 'dstack',
            url,
            modelRoot,
            os: [{ mrtd: zeros, rtmr0: zeros, rtmr1: zeros, rtmr2: zeros }],
            composeHashes: [createHash('sha256').update(manifest).digest('hex').toUpperCase()],
            collateral: { url: collateralUrl },
            ...more,
        });

    test('is attested under the network’s root by what the collateral service says', async () => {
        const [server, pcs] = [await startDstackServer(() => pki), await startPcsServer({ pki })];
        const opened = await openEngine(settings(`${server.baseUrl}/v1`, pcs.url), {
            rootPublicKey: pki.rootPublicKey,
            gpuRootPublicKey: gpuPki.rootPublicKey,
        });
        try {
            expect(opened.modelRoot.toString('hex')).toBe(modelRoot);
            expect(await opened.engine.describe(AbortSignal.timeout(5_000))).toMatchObject([{ id: 'toy' }]);
            expect((await readAnswer(ask(opened.engine, { model: 'toy', messages: [] }))).status).toBe(200);
            const other = createDevelopmentPki({ seed: Buffer.alloc(32, 22), now: new Date() });
            const foreign = await openEngine(settings(server.baseUrl, pcs.url), other);
            await expect(foreign.engine.describe(AbortSignal.timeout(5_000))).rejects.toMatchObject({
                code: 'engine_unattested',
            });
            await foreign.engine.close();
        } finally {
            await opened.engine.close();
            await server.stop();
            await pcs.close();
        }
    });

    test('is reached in clear inside the same guest alone', () => {
        const collateralUrl = 'http://127.0.0.1:2';
        for (const url of [
            'http://vllm-proxy:8000',
            'http://localhost:8000',
            'http://[::1]:8000',
            'https://engine.example',
        ]) {
            expect(settings(url, collateralUrl)).toMatchObject({ url });
        }
        for (const url of ['http://engine.example', 'http://10.0.0.7:8000', 'http://127.0.0.1.example']) {
            expect(() => settings(url, collateralUrl)).toThrow('must be https');
        }
    });

    test('must be told which images and manifests to accept', () => {
        expect(() => settings('http://127.0.0.1:1', 'http://127.0.0.1:2', { composeHashes: [] })).toThrow();
        expect(() => settings('http://127.0.0.1:1', 'http://127.0.0.1:2', { os: undefined })).toThrow();
    });
});

test('an engine by its URL is found out, warmed up and described by its own limits', async () => {
    const script = { model: 'm', pieces: ['a'], prompt: 1, cached: 0, completion: 1, reasoningTokens: 0 };
    const server = await startScriptedEngine(ollama, script);
    const config = configSchemas.node.in.shape.engine.parse({ kind: 'openai', url: server.baseUrl, modelRoot });
    const { engine } = await openEngine(config, pki);
    try {
        expect(server.inferences()).toHaveLength(1);
        expect(engine.maxConcurrency).toBe(1);
        expect(await engine.describe(AbortSignal.timeout(5_000))).toMatchObject([{ id: 'm', contextLength: 4_096 }]);
    } finally {
        await engine.close();
        await server.stop();
    }
});
