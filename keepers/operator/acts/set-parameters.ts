import { z } from 'zod';
import { formatTon } from '../../base';
import { defineAct } from '../define-act';
import { address, nano, uint32 } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

const longestKeyLifeSec = 30 * 86_400;

export const parameterArguments = {
    minBondNano: nano.describe('bond that every live node key needs'),
    maxKeyLifeSec: uint32
        .pipe(z.int().min(1).max(longestKeyLifeSec, 'must be at most 30 days'))
        .describe('seconds an attested key lives at most'),
    minHubBondNano: nano.describe('bond of a listed hub'),
};

export const setParameters = defineAct({
    name: 'set-parameters',
    purpose: 'Sets a registry’s bonds and key life (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        ...parameterArguments,
    }),
    async plan(context, { registry: given, ...parameters }) {
        const registry = await openRegistry(context, given);
        const { minBondNano, maxKeyLifeSec, minHubBondNano } = parameters;
        return planChange(context, registry, {
            what: `set a bond of ${formatTon(minBondNano)} TON a key, a key life of ${maxKeyLifeSec} s, a hub bond of ${formatTon(minHubBondNano)} TON`,
            action: { kind: 'setParameters', ...parameters },
            isInForce: async () => {
                const now = await registry.getState();
                const isSame = now.minBondNano === minBondNano && now.minHubBondNano === minHubBondNano;
                return isSame && now.maxKeyLifeSec === maxKeyLifeSec;
            },
        });
    },
});
