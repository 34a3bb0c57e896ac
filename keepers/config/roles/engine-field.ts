import { z } from 'zod';
import { guestUrlField, hexField, urlField } from '../fields';
import { collateralField } from './keeper-fields';

const engineDialects = ['vllm', 'sglang', 'ollama', 'llama-server', 'plain'] as const;

export const engineField = z.discriminatedUnion('kind', [
    z.strictObject({
        kind: z.literal('llama-cpp'),
        /** GGUF file; the model in the repository when absent. */
        modelFile: z.string().optional(),
        modelId: z.string().min(1).max(128).optional(),
        maxConcurrency: z.int().min(1).max(64).default(4),
    }),
    z.strictObject({
        kind: z.literal('openai'),
        /** Base URL of vLLM, SGLang, llama.cpp server or Ollama, without /v1. */
        url: urlField,
        apiKeyFile: z.string().optional(),
        /** Which of them; found out from its model list when absent. `plain`: a server that caches no prompts. */
        dialect: z.enum(engineDialects).optional(),
        /** Of the models it lists; all of them when absent. */
        models: z.array(z.string().min(1).max(128)).min(1).max(64).optional(),
        /** GGUF file of the model: its tokenizer counts the text of answers that come without a count. */
        tokenizerFile: z.string().min(1).optional(),
        /** For servers that name none. */
        contextLength: z.int().min(1).max(100_000_000).optional(),
        capabilities: z
            .array(z.enum(['chat.completions', 'completions', 'embeddings']))
            .min(1)
            .default(['chat.completions', 'completions']),
        maxConcurrency: z.int().min(1).max(4096).default(32),
        /** Hash of the model manifest, as allowed in the registry. */
        modelRoot: hexField(32),
    }),
    z.strictObject({
        /** An OpenAI-compatible proxy in a dstack CVM (Phala, NEAR AI): attested before use, every answer signed. */
        kind: z.literal('dstack'),
        /** With https, to the TLS key in the engine's quote alone; http is for a node agent in the same CVM. */
        url: guestUrlField,
        apiKeyFile: z.string().optional(),
        maxConcurrency: z.int().min(1).max(4096).default(32),
        modelRoot: hexField(32),
        /** dstack images that may run the engine, by the registers of a TD before it starts an application. */
        os: z
            .array(
                z.strictObject({ mrtd: hexField(48), rtmr0: hexField(48), rtmr1: hexField(48), rtmr2: hexField(48) }),
            )
            .min(1)
            .max(64),
        /** Manifests that may run: SHA-256 of app-compose, as dstack measures it. */
        composeHashes: z.array(hexField(32)).min(1).max(64),
        /** GPUs of which the engine must show evidence; 0 for an engine without any. */
        minGpus: z.int().min(0).max(16).default(1),
        collateral: collateralField.prefault({}),
        /** JSON of what quotes to accept; the verifier's default without it. */
        policyFile: z.string().optional(),
        attestationMaxAgeSec: z.int().min(60).max(86_400).default(1_800),
    }),
]);
