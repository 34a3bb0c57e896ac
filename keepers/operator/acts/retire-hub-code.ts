import { z } from 'zod';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes, uint32 } from '../fields';
import { planChange } from '../governance';
import { isoTime } from '../iso-time';
import { openRegistry } from '../network-addresses';

export const retireHubCode = defineAct({
    name: 'retire-hub-code',
    purpose: 'Announces from when on no hub with a code is listed anew (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        codeHash: bytes(32).describe('hash of the code, hex, as show-hubs lists it'),
        retiresAt: uint32.describe('unix time in seconds'),
    }),
    async plan(context, { registry: given, codeHash, retiresAt }) {
        const registry = await openRegistry(context, given);
        const hex = codeHash.toString('hex');
        const known = async () => (await registry.getHubCodes()).get(hex);
        if ((await known()) === undefined) throw new OperatorError('refused', `hub code ${hex} is not allowed anyway`);
        if (retiresAt <= (await context.nowSec())) {
            throw new OperatorError(
                'argument_invalid',
                `${isoTime(retiresAt)} is over: revoke-hub-code takes effect at once`,
            );
        }
        return planChange(context, registry, {
            what: `retire hub code ${hex} at ${isoTime(retiresAt)}`,
            action: { kind: 'retireHubCode', codeHash, retiresAt },
            isInForce: async () => (await known())?.retiresAt === retiresAt,
        });
    },
});
