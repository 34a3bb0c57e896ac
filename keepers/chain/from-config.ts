import { readFileSync } from 'node:fs';
import { ChainClient } from './chain-client';

/** The `chain` section of every keeper's configuration. */
export interface ChainSettings {
    endpoints: readonly string[];
    apiKeyFile?: string;
    timeoutMs: number;
}

export function chainClientOf(settings: ChainSettings): ChainClient {
    const apiKey = settings.apiKeyFile === undefined ? undefined : readFileSync(settings.apiKeyFile, 'utf8').trim();
    return new ChainClient({ endpoints: settings.endpoints, apiKey, timeoutMs: settings.timeoutMs });
}
