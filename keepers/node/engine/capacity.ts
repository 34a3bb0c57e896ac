import { z } from 'zod';
import type { EngineApi } from './engine-api';

/** What an engine tells of its limits; what it does not tell must come from the configuration. */
export interface EngineCapacity {
    maxConcurrency?: number | undefined;
    /** By model, where the model list does not say it. */
    contextLengths: ReadonlyMap<string, number>;
}

const positive = z.number().int().positive();
const nothing: EngineCapacity = { contextLengths: new Map() };

export const noCapacity = async (): Promise<EngineCapacity> => nothing;

const vllmInfo = z.object({ vllm_config: z.object({ scheduler_config: z.object({ max_num_seqs: positive }) }) });

/** vLLM has this route in its development mode alone. */
export async function vllmCapacity(api: EngineApi, _models: unknown, signal: AbortSignal): Promise<EngineCapacity> {
    const info = vllmInfo.safeParse(await api.getJson('/server_info?config_format=json', signal));
    return info.success ? { ...nothing, maxConcurrency: info.data.vllm_config.scheduler_config.max_num_seqs } : nothing;
}

const sglangInfo = z.object({
    max_running_requests: positive.nullish(),
    internal_states: z.array(z.object({ effective_max_running_requests_per_dp: positive.nullish() })).default([]),
});

/** One state for each data-parallel worker; what was asked for at the start may be more than memory allowed. */
export async function sglangCapacity(api: EngineApi, _models: unknown, signal: AbortSignal): Promise<EngineCapacity> {
    // The second is its later name.
    const told = (await api.getJson('/get_server_info', signal)) ?? (await api.getJson('/server_info', signal));
    const info = sglangInfo.safeParse(told);
    if (!info.success) return nothing;
    const effective = info.data.internal_states.map((state) => state.effective_max_running_requests_per_dp ?? 0);
    const total = effective.reduce((sum, each) => sum + each, 0);
    return { ...nothing, maxConcurrency: total > 0 ? total : (info.data.max_running_requests ?? undefined) };
}

const ollamaLoaded = z.object({ models: z.array(z.object({ name: z.string(), context_length: positive })) });

/**
 * The context that a model was loaded with, which is less than what it could have: Ollama cuts a longer prompt and says
 * nothing. One request at a time, or clients would share slots.
 */
export async function ollamaCapacity(
    api: EngineApi,
    models: readonly string[],
    signal: AbortSignal,
): Promise<EngineCapacity> {
    const loaded = ollamaLoaded.safeParse(await api.getJson('/api/ps', signal));
    const found = loaded.success ? loaded.data.models : [];
    const known = found.filter(({ name }) => models.includes(name));
    return { maxConcurrency: 1, contextLengths: new Map(known.map((each) => [each.name, each.context_length])) };
}

const llamaProps = z.object({
    total_slots: positive,
    default_generation_settings: z.object({ n_ctx: positive }),
});

export async function llamaServerCapacity(
    api: EngineApi,
    models: readonly string[],
    signal: AbortSignal,
): Promise<EngineCapacity> {
    const props = llamaProps.safeParse(await api.getJson('/props', signal));
    if (!props.success) return nothing;
    const { n_ctx: contextLength } = props.data.default_generation_settings;
    return {
        maxConcurrency: props.data.total_slots,
        contextLengths: new Map(models.map((model) => [model, contextLength])),
    };
}
