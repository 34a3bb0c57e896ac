import { z } from 'zod';
import { formatTon } from '../../base';
import type { RegistryParameters } from '../../../wrappers';
import { defineAct } from '../define-act';
import { address, nano, uint32 } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

const longestKeyLifeSec = 30 * 86_400;
const mostKeysPerPlatform = 7;
const [shortestCloseDelaySec, longestCloseDelaySec] = [60, 86_400];

/** What is not given stays as it is. */
export const parameterArguments = {
    minBondNano: nano.optional().describe('bond of a node key that the chain verified'),
    maxKeyLifeSec: uint32
        .pipe(z.int().min(1).max(longestKeyLifeSec, 'must be at most 30 days'))
        .optional()
        .describe('seconds an attested key lives at most'),
    minHubBondNano: nano.optional().describe('bond of a listed hub'),
    minClientVerifiedBondNano: nano
        .optional()
        .describe('bond of a node key that only clients verify; at least that of the others'),
    maxKeysPerPlatform: uint32
        .pipe(z.int().min(1).max(mostKeysPerPlatform, `must be at most ${mostKeysPerPlatform}`))
        .optional()
        .describe('live node keys of one platform'),
    maxHubFeeBps: uint32
        .pipe(z.int().max(10_000, 'must be at most 10000'))
        .optional()
        .describe('a listed hub’s own maximum fee is not above it, in hundredths of a percent'),
    minCloseDelaySec: uint32
        .pipe(z.int().min(shortestCloseDelaySec).max(longestCloseDelaySec, 'must be at most one day'))
        .optional()
        .describe('a listed hub’s close delay is not below it'),
};

export const setParameters = defineAct({
    name: 'set-parameters',
    purpose: 'Sets a registry’s bonds, limits and key life (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        ...parameterArguments,
    }),
    async plan(context, { registry: given, ...wanted }) {
        const registry = await openRegistry(context, given);
        const parameters = { ...parametersOf(await registry.getState()), ...withoutUndefined(wanted) };
        return planChange(context, registry, {
            what: `set ${describeParameters(parameters)}`,
            action: { kind: 'setParameters', ...parameters },
            isInForce: async () => sameParameters(parametersOf(await registry.getState()), parameters),
        });
    },
});

export function describeParameters(parameters: RegistryParameters): string {
    return [
        `a bond of ${formatTon(parameters.minBondNano)} TON a key, ${formatTon(parameters.minClientVerifiedBondNano)} TON where only clients verify it`,
        `a key life of ${parameters.maxKeyLifeSec} s, ${parameters.maxKeysPerPlatform} keys a platform`,
        `for hubs a bond of ${formatTon(parameters.minHubBondNano)} TON, a fee of at most ${parameters.maxHubFeeBps} bps, a close delay of at least ${parameters.minCloseDelaySec} s`,
    ].join('; ');
}

const names = [
    'minBondNano',
    'maxKeyLifeSec',
    'minHubBondNano',
    'minClientVerifiedBondNano',
    'maxKeysPerPlatform',
    'maxHubFeeBps',
    'minCloseDelaySec',
] as const satisfies readonly (keyof RegistryParameters)[];

function parametersOf(state: RegistryParameters): RegistryParameters {
    return Object.fromEntries(names.map((name) => [name, state[name]])) as unknown as RegistryParameters;
}

function sameParameters(a: RegistryParameters, b: RegistryParameters): boolean {
    return names.every((name) => a[name] === b[name]);
}

function withoutUndefined(wanted: Partial<RegistryParameters>): Partial<RegistryParameters> {
    return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}
