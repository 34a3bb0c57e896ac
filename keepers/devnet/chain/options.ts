import { z } from 'zod';
import { ChainError } from './errors';

const maxTon = 10_000_000_000n;

/** Fixed by the first start; a later start with other values is refused instead of forking the chain's history. */
export const genesisSchema = z.strictObject({
    /** Names the network: faucet key, block hashes and random seeds all derive from it. */
    seed: z.string().min(1).max(256).default('cocoon-devnet'),
    feeConfig: z.enum(['sandbox', 'mainnet-2026']).default('sandbox'),
    /** Everything that exists; it starts in the faucet. */
    supplyNano: z
        .bigint()
        .positive()
        .max(maxTon * 1_000_000_000n)
        .default(5_000_000_000n * 1_000_000_000n),
    /** `manual`: chain time stands still and moves by warp only, so that the same inputs give the same hashes. */
    time: z.enum(['wall', 'manual']).default('wall'),
    /** Unix time of the genesis block. Default: now, or 2026-01-01 for manual time. */
    startTimeSec: z.int().min(1_500_000_000).max(4_000_000_000).optional(),
});

export const chainOptionsSchema = genesisSchema.extend({
    /** Where the chain is kept; without it, in memory only. */
    stateDir: z.string().min(1).optional(),
    /** Accepted messages between two snapshots. */
    snapshotEvery: z.int().min(1).max(100_000).default(500),
    /** A trace with more transactions is refused whole. */
    maxTraceTransactions: z.int().min(1).max(1_000_000).default(2_000),
    /** Messages that may wait for their turn. */
    maxQueued: z.int().min(1).max(1_000_000).default(1_000),
    /** A message that waits longer is refused unexecuted. */
    queueTimeoutMs: z.int().min(1).default(20_000),
});

export const serverOptionsSchema = chainOptionsSchema.extend({
    host: z.string().min(1).default('127.0.0.1'),
    /** 0: any free port. */
    port: z.int().min(0).max(65_535).default(0),
    /** A port of its own for TonClient4's API, 0 for any free one: to a keeper it is then an endpoint of another operator. */
    v4Port: z.int().min(0).max(65_535).optional(),
    bodyLimitBytes: z.int().min(1_024).default(1_048_576),
    requestTimeoutMs: z.int().min(100).default(30_000),
});

export type GenesisOptions = z.output<typeof genesisSchema>;
export type ChainOptions = z.input<typeof chainOptionsSchema>;
export type ResolvedChainOptions = z.output<typeof chainOptionsSchema>;
export type DevnetChainOptions = z.input<typeof serverOptionsSchema>;
export type ResolvedServerOptions = z.output<typeof serverOptionsSchema>;

/** @throws ChainError `malformed_request` that names the option */
export function parseOptions<Schema extends z.ZodType>(schema: Schema, options: unknown): z.output<Schema> {
    const parsed = schema.safeParse(options);
    if (!parsed.success) throw new ChainError('malformed_request', describeIssues(parsed.error));
    return parsed.data;
}

export function describeIssues(error: z.ZodError): string {
    return error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`).join('; ');
}
