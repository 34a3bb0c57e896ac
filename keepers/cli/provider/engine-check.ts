import { accessSync, constants } from 'node:fs';
import { openEngine, TOY_MODEL_PATH } from '../../node';
import { type Check, type CheckResult, fail, ok } from './check';
import type { NodeContext } from './node-context';

const deadlineMs = 30_000;

/** Health, models and context. A node that runs with an embedded engine is asked, so that its model is not loaded twice. */
export const checkEngine: Check = async (context) => {
    const { config, running, status } = context;
    if (config.engine.kind !== 'llama-cpp') return [await askEngine(context)];
    if (!running || status?.engine == null) {
        accessSync(config.engine.modelFile ?? TOY_MODEL_PATH, constants.R_OK);
        return [await askEngine(context)];
    }
    return [resultOf(status.engine, status.engine.models)];
};

async function askEngine({ config, deployment }: NodeContext): Promise<CheckResult> {
    const { engine } = await openEngine(config.engine, {
        rootPublicKey: Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]),
        gpuRootPublicKey: deployment.gpuRootPublicKey,
    });
    try {
        const health = await engine.health(AbortSignal.timeout(deadlineMs));
        return resultOf(health, health.ok ? await engine.describe(AbortSignal.timeout(deadlineMs)) : []);
    } finally {
        await engine.close();
    }
}

interface Model {
    id: string;
    contextLength: number;
    capabilities: readonly string[];
}

function resultOf(health: { ok: boolean; detail: string }, models: readonly Model[]): CheckResult {
    if (!health.ok) return fail('engine', health.detail, engineNext);
    const told = models.map(
        ({ id, contextLength, capabilities }) => `${id}, context ${contextLength}, ${capabilities.join(' ')}`,
    );
    return models.length === 0 ? fail('engine', 'it serves no model', engineNext) : ok('engine', told.join('; '));
}

export const engineNext =
    'start the inference server, check engine.url and its API key, and that it has loaded the model';
