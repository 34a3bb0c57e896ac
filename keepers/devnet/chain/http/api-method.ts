import type { z } from 'zod';
import type { DevnetChain } from '../devnet-chain';
import { parseOptions } from '../options';

/** One method of the API, reachable by JSON-RPC and under its own path. */
export type ApiMethod = (chain: DevnetChain, params: unknown) => Promise<unknown>;

export function apiMethod<Schema extends z.ZodType>(
    schema: Schema,
    run: (chain: DevnetChain, params: z.output<Schema>) => unknown,
): ApiMethod {
    return async (chain, params) => run(chain, parseOptions(schema, params));
}
