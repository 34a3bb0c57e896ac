import type { Address } from '@ton/core';
import { request } from 'undici';
import { chainClientOf, type ChainSettings, type Deployment, type NetworkReader } from '../../chain';
import { type Clock, errorMessage, nowSec } from '../../base';
import { type Check, type CheckResult, fail, ok, warn } from './check';

/** TON makes a block every few seconds; an endpoint this far behind shows the past. */
const maxBlockAgeSec = 60;
const maxClockSkewSec = 30;

/** What a look at the chain needs of any role's settings. */
export interface WithChain {
    config: { chain: ChainSettings };
    clock: Clock;
}

/** Every endpoint by itself: one that is dead hides behind the others until they fail too. */
export const checkEndpoints: Check<WithChain> = async ({ config, clock }) => {
    return Promise.all(
        config.chain.endpoints.map(async (endpoint): Promise<CheckResult> => {
            const host = hostOf(typeof endpoint === 'string' ? endpoint : endpoint.url);
            const client = chainClientOf({ ...config.chain, endpoints: [endpoint] });
            try {
                const ageSec = nowSec(clock) - (await client.getChainTimeSec());
                if (ageSec <= maxBlockAgeSec) return ok('chain', `${host}: newest block ${Math.max(ageSec, 0)} s old`);
                const next = 'use another endpoint, unless this machine’s clock is wrong (see clock)';
                return fail('chain', `${host}: its newest block is ${ageSec} s old`, next);
            } catch (error) {
                const next = 'check chain.endpoints, the network and chain.apiKeyFile';
                return fail('chain', `${host}: ${errorMessage(error)}`, next);
            }
        }),
    );
};

/** Endpoints may carry a key in their path. */
function hostOf(endpoint: string): string {
    return new URL(endpoint).host;
}

export interface WithDeployment {
    config: { deploymentFile: string; hub?: Address };
    configFile: string;
    deployment: Deployment;
    reader: Pick<NetworkReader, 'registry' | 'hub'>;
}

/** The file's addresses follow from its terms (checked when it was read); this is whether the chain has them. */
export const checkDeployment: Check<WithDeployment> = async ({ config, configFile, deployment, reader }) => {
    const next = `get ${config.deploymentFile} from where you trust it, and hub and chain.endpoints of ${configFile} of the same network`;
    const registry = await reader.registry({ refresh: true });
    if (registry === null) return [fail('deployment', `no registry at ${deployment.registry} on this chain`, next)];
    const same = registry.kind === deployment.kind && registry.rootKey.equals(deployment.rootPublicKey);
    if (!same) return [fail('deployment', 'the registry on chain has another kind or root key', next)];
    const verifier = registry.verifier;
    const pinned = deployment.quoteVerifier;
    if (verifier === null || pinned === null)
        return [
            fail(
                'deployment',
                'the network has no quote verifier yet',
                'wait for governance: set-verifier; then get the deployment file anew',
            ),
        ];
    if (!verifier.equals(pinned))
        return [fail('deployment', `governance now believes the verifier ${verifier}, the file names ${pinned}`, next)];
    const { hub } = config;
    if (hub !== undefined) {
        if (!deployment.hubs.some(({ address }) => address.equals(hub)))
            return [fail('deployment', `the file lists no hub ${hub}`, next)];
        if ((await reader.hub(hub, { refresh: true })) === null)
            return [fail('deployment', `${hub} is no hub of this network`, next)];
    }
    return [ok('deployment', `${deployment.kind}, registry ${deployment.registry}, version ${registry.version}`)];
};

/** Three clocks: this machine's, the chain's, and that of an HTTP server. */
export const checkClock: Check = async ({ config, client, clock }) => {
    const skews: [string, number][] = [['the chain', nowSec(clock) - (await client.getChainTimeSec())]];
    const httpSec = await httpTimeSec(config.dispatcherUrl);
    if (httpSec !== null) skews.push(['the dispatcher', nowSec(clock) - httpSec]);
    // The chain's newest block is some seconds old by nature, never from the future.
    const off = skews.filter(([, skewSec]) => Math.abs(skewSec) > maxClockSkewSec);
    const told = skews.map(([who, skewSec]) => `${skewSec} s from ${who}`).join(', ');
    if (off.length === 0) return [ok('clock', told)];
    const next = 'synchronise it (chrony or systemd-timesyncd): keys, offers and deadlines are dated by it';
    return [off.length === skews.length ? fail('clock', told, next) : warn('clock', told, next)];
};

async function httpTimeSec(url: string): Promise<number | null> {
    try {
        const { headers, body } = await request(new URL('/healthz', url), { signal: AbortSignal.timeout(5_000) });
        await body.dump();
        const ms = Date.parse(String(headers.date));
        return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
    } catch {
        return null;
    }
}
