import type { Logger } from '../base';
import { readSecretFile } from '../config';
import { ChainClient } from './chain-client';
import type { EndpointKind, EndpointSettings } from './endpoints/endpoint-settings';

/** An endpoint as settings name it. */
export interface EndpointConfig {
    url: string;
    kind?: EndpointKind;
    apiKey?: string;
    apiKeyFile?: string;
    requestsPerSecond?: number;
}

/** The `chain` section of every keeper's configuration. */
export interface ChainSettings {
    endpoints: readonly (string | EndpointConfig)[];
    /** Of endpoints given by their URL alone. */
    apiKeyFile?: string;
    timeoutMs: number;
}

export interface ChainClientContext {
    /** Says what the endpoints are worth, and what becomes of them. */
    logger: Logger;
    /** Of the network: in production an unchecked endpoint is an error that somebody should see. */
    kind: 'production' | 'development';
}

/** So many attempts at a silent endpoint fit into one call. */
const triesPerCall = 3;

/** A client for one command, or with a context for a process: then it watches its endpoints until `close`. */
export function chainClientOf(settings: ChainSettings, context?: ChainClientContext): ChainClient {
    const shared = settings.apiKeyFile === undefined ? undefined : readSecretFile(settings.apiKeyFile);
    const endpoints = settings.endpoints.map((given): EndpointSettings => {
        if (typeof given === 'string') return { url: given, apiKey: shared };
        const { apiKeyFile, ...endpoint } = given;
        return apiKeyFile === undefined ? endpoint : { ...endpoint, apiKey: readSecretFile(apiKeyFile) };
    });
    const { timeoutMs } = settings;
    const client = new ChainClient({ endpoints, timeoutMs, deadlineMs: timeoutMs * triesPerCall });
    if (context !== undefined) watch(client, context);
    return client;
}

function watch(client: ChainClient, { logger, kind }: ChainClientContext): void {
    const { agreement, endpoints } = client.health.status();
    const origins = endpoints.map(({ origin }) => origin);
    if (agreement === 'unchecked') {
        const level = kind === 'production' ? 'error' : 'warn';
        logger[level](
            { endpoints: origins },
            'chain.endpoints are of one operator, who is believed: add one of another, so that two must agree on what adds trust or moves money',
        );
    }
    client.health.watch(({ mode, reasons, endpoints: now }) => {
        const states = now.map(({ origin, state }) => `${origin} ${state}`);
        if (mode === 'degraded')
            logger.error({ reasons, endpoints: states }, 'access to the chain is degraded: nothing new is trusted');
        else logger.info({ endpoints: states }, 'access to the chain is back to normal');
    });
    client.monitor(logger);
}
