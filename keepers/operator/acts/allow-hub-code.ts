import { Address } from '@ton/core';
import { z } from 'zod';
import { Payout } from '../../../wrappers';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes, entryName, uint32 } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

export const allowHubCode = defineAct({
    name: 'allow-hub-code',
    purpose: 'Lets hubs with a code be listed (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        codeHash: bytes(32).optional().describe('hash of the code, hex; that of this package’s hubs unless given'),
        codeDepth: uint32.pipe(z.int().max(512)).optional().describe('depth of the code’s cell, given with its hash'),
        name: entryName.describe('name for people'),
    }),
    async plan(context, { registry: given, codeHash, codeDepth, name }) {
        const registry = await openRegistry(context, given);
        if ((codeHash === undefined) !== (codeDepth === undefined)) {
            throw new OperatorError('argument_invalid', 'allow-hub-code: codeHash and codeDepth go together');
        }
        const code = codeHash && codeDepth !== undefined ? { codeHash, codeDepth } : await ownHubCode();
        const hex = code.codeHash.toString('hex');
        return planChange(context, registry, {
            what: `allow hub code ${hex} (${name})`,
            action: { kind: 'allowHubCode', ...code, name },
            isInForce: async () => {
                const known = (await registry.getHubCodes()).get(hex);
                return known?.name === name && known.depth === code.codeDepth && known.retiresAt === null;
            },
        });
    },
});

/** Of the hubs that deploy-hub deploys. */
async function ownHubCode(): Promise<{ codeHash: Buffer; codeDepth: number }> {
    const anybody = new Address(0, Buffer.alloc(32));
    const terms = { closeDelaySec: 0, maxFeeBps: 0, initialFeeBps: 0, salt: 0 };
    const { init } = await Payout.createFromConfig({ registry: anybody, operator: anybody, ...terms });
    return { codeHash: init!.code.hash(), codeDepth: init!.code.depth() };
}
