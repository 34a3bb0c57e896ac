import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { ChainError } from '../errors';
import type { ResolvedChainOptions } from '../options';
import { replaceFile } from './durable-file';

const fileVersion = 1;

const genesisSchema = z.strictObject({
    seed: z.string(),
    feeConfig: z.enum(['sandbox', 'mainnet-2026']),
    supplyNano: z.string().regex(/^\d+$/).transform(BigInt),
    time: z.enum(['wall', 'manual']),
    startTimeSec: z.int(),
    offsetSec: z.int(),
});

/** What the chain began with; it never changes. */
export type Genesis = z.output<typeof genesisSchema>;

/** Reads the genesis of an existing directory, or writes `fresh` into a new one. */
export function openGenesis(path: string, fresh: Genesis): Genesis {
    if (existsSync(path)) return readGenesis(path);
    replaceFile(
        path,
        JSON.stringify(
            { version: fileVersion, genesis: { ...fresh, supplyNano: fresh.supplyNano.toString() } },
            null,
            4,
        ),
    );
    return fresh;
}

function readGenesis(path: string): Genesis {
    try {
        return z
            .strictObject({ version: z.literal(fileVersion), genesis: genesisSchema })
            .parse(JSON.parse(readFileSync(path, 'utf8'))).genesis;
    } catch (error) {
        throw new ChainError('state_corrupt', `${path} cannot be read`, error);
    }
}

/** @throws ChainError `state_mismatch` when the options name another network than the directory holds */
export function checkGenesis(genesis: Genesis, options: ResolvedChainOptions): void {
    const pairs = {
        seed: [genesis.seed, options.seed],
        feeConfig: [genesis.feeConfig, options.feeConfig],
        supplyNano: [genesis.supplyNano, options.supplyNano],
        time: [genesis.time, options.time],
        startTimeSec: [genesis.startTimeSec, options.startTimeSec ?? genesis.startTimeSec],
    };
    const differing = Object.entries(pairs).filter(([, [kept, asked]]) => kept !== asked);
    if (differing.length === 0) return;
    const names = differing.map(([name]) => name).join(', ');
    throw new ChainError(
        'state_mismatch',
        `the state directory was created with another ${names}; use a new directory`,
    );
}
