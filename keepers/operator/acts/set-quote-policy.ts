import { z } from 'zod';
import { type PlatformStatus, platformStatuses } from '../../../wrappers';
import { defineAct } from '../define-act';
import { address, uint32 } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

const status = z.enum(platformStatuses).exclude(['Revoked']);

export const setQuotePolicy = defineAct({
    name: 'set-quote-policy',
    purpose:
        'Sets which platforms are good enough by Intel’s word, and how new collateral must be (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        statuses: z
            .union([
                z.array(status),
                z.string().transform((text) => text.split(',').map((one) => status.parse(one.trim()))),
            ])
            .optional()
            .describe('statuses that are accepted, by comma; as they are unless given'),
        evaluationFloor: uint32.optional().describe('evaluation data number that collateral must reach; only rises'),
    }),
    async plan(context, { registry: given, statuses, evaluationFloor }) {
        const registry = await openRegistry(context, given);
        const { quotePolicy } = await registry.getState();
        const wanted = {
            acceptedStatuses: (statuses as PlatformStatus[] | undefined) ?? quotePolicy.acceptedStatuses,
            evaluationFloor: Math.max(evaluationFloor ?? 0, quotePolicy.evaluationFloor),
        };
        return planChange(context, registry, {
            what: `accept platforms that are ${wanted.acceptedStatuses.join(', ')}, by collateral of evaluation ${wanted.evaluationFloor} on`,
            action: { kind: 'setQuotePolicy', ...wanted },
            isInForce: async () => {
                const now = (await registry.getState()).quotePolicy;
                const isSame = [...now.acceptedStatuses].sort().join() === [...wanted.acceptedStatuses].sort().join();
                return isSame && now.evaluationFloor >= wanted.evaluationFloor;
            },
        });
    },
});
