import { CollateralService, PcsClient, readPolicyFile } from '../attestation';
import { CocoonError, errorMessage } from '../base';
import { type NodeConfig, readSecretFile } from '../config';
import {
    connectEngine,
    DstackEngine,
    type Engine,
    GgufTokenCounter,
    LlamaCppEngine,
    type OpenAiCompatibleOptions,
    warmUp,
} from './engine';
import { NodeError } from './errors';
import { ggufModelRoot } from './model-root';
import { TOY_MODEL_ID, TOY_MODEL_PATH } from './model/toy-model';

type EngineConfig = NodeConfig['engine'];

export interface OpenedEngine {
    engine: Engine;
    modelRoot: Buffer;
}

/** Roots of the network, uncompressed: what an engine that attests itself must hang on. */
export interface EngineRoots {
    rootPublicKey: Buffer;
    /** Of GPUs; NVIDIA's unless a development network's is named. */
    gpuRootPublicKey?: Buffer;
}

const warmUpMs = 120_000;

/**
 * Ready to serve: whatever the first request of an engine costs was spent.
 * @throws NodeError `engine_unavailable`
 */
export async function openEngine(config: EngineConfig, roots: EngineRoots): Promise<OpenedEngine> {
    try {
        if (config.kind === 'llama-cpp') return await openLlamaCpp(config);
        const { url: baseUrl, maxConcurrency, modelRoot } = config;
        const apiKey = config.apiKeyFile === undefined ? undefined : readSecretFile(config.apiKeyFile);
        const proxied = { baseUrl, apiKey, maxConcurrency };
        if (config.kind === 'openai') {
            return { engine: await openByUrl(config, proxied), modelRoot };
        }
        return { engine: new DstackEngine({ ...proxied, ...trustOf(config), ...roots }), modelRoot };
    } catch (error) {
        if (error instanceof CocoonError) throw error;
        throw new NodeError('engine_unavailable', `the engine could not be opened: ${errorMessage(error)}`, {
            cause: error,
        });
    }
}

async function openByUrl(
    config: Extract<EngineConfig, { kind: 'openai' }>,
    proxied: Pick<OpenAiCompatibleOptions, 'baseUrl' | 'apiKey' | 'maxConcurrency'>,
): Promise<Engine> {
    const { dialect, models, contextLength, capabilities, tokenizerFile } = config;
    const tokenizer = tokenizerFile === undefined ? undefined : await GgufTokenCounter.open(tokenizerFile);
    try {
        return await connectEngine({ ...proxied, dialect, models, contextLength, capabilities, tokenizer });
    } catch (error) {
        await tokenizer?.close();
        throw error;
    }
}

async function openLlamaCpp(config: Extract<EngineConfig, { kind: 'llama-cpp' }>): Promise<OpenedEngine> {
    const modelPath = config.modelFile ?? TOY_MODEL_PATH;
    const modelId = config.modelId ?? TOY_MODEL_ID;
    const engine = await LlamaCppEngine.open({ modelPath, modelId, maxConcurrency: config.maxConcurrency });
    for (const { id, capabilities } of await engine.describe())
        await warmUp(engine, [id], { capabilities, signal: AbortSignal.timeout(warmUpMs) });
    return { engine, modelRoot: await ggufModelRoot(modelPath, modelId) };
}

function trustOf(config: Extract<EngineConfig, { kind: 'dstack' }>) {
    const hex = (bytes: Buffer) => bytes.toString('hex');
    return {
        collateral: new CollateralService({ client: new PcsClient({ baseUrl: config.collateral.url }) }),
        policy: config.policyFile === undefined ? undefined : readPolicyFile(config.policyFile),
        os: config.os.map(({ mrtd, rtmr0, rtmr1, rtmr2 }) => ({
            mrtd: hex(mrtd),
            rtmr0: hex(rtmr0),
            rtmr1: hex(rtmr1),
            rtmr2: hex(rtmr2),
        })),
        composeHashes: config.composeHashes.map(hex),
        minGpus: config.minGpus,
        maxAgeMs: config.attestationMaxAgeSec * 1000,
    };
}
