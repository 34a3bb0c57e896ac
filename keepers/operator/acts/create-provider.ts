import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import type { ProviderState } from '../../../wrappers';
import { ifActive } from '../account';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openProviderOf } from '../network-addresses';

export interface ProviderView extends ProviderState {
    address: Address;
}

export const createProvider = defineAct({
    name: 'create-provider',
    purpose: 'Deploys your provider contract, or gives it another operator key',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        operatorKey: bytes(32)
            .optional()
            .describe('Ed25519 public key that authorises nodes, hex; none: by message only'),
    }),
    async plan(context, { registry, operatorKey = null }): Promise<ActPlan<ProviderView>> {
        const provider = await openProviderOf(context, { registry });
        const read = () => ifActive(context, provider.address, () => provider.getState());
        const isDone = (state: ProviderState | null) => state !== null && sameKey(state.operatorKey, operatorKey);
        const state = await read();
        const summary = [`provider ${provider.address}`, `operator key ${operatorKey?.toString('hex') ?? 'none'}`];
        const message = () =>
            state === null
                ? planMessage(
                      context.sender.address,
                      'deploy the provider; what its storage does not need comes back',
                      (via) => provider.sendCreate(via, { operatorKey }),
                  )
                : planMessage(context.sender.address, 'set the operator key', (via) =>
                      provider.sendSetOperatorKey(via, { operatorKey }),
                  );
        return {
            title: isDone(state) ? 'The provider exists' : 'Create the provider',
            summary,
            messages: isDone(state) ? [] : [await message()],
            readBack: async () => {
                const now = await read();
                return now !== null && isDone(now) ? { address: provider.address, ...now } : null;
            },
            describe: describeProvider,
        };
    },
});

export function describeProvider(view: ProviderView): string[] {
    const lines = [
        `provider ${view.address}`,
        `owner ${view.owner}`,
        `operator key ${view.operatorKey?.toString('hex') ?? 'none'}`,
        `bond ${formatTon(view.bondNano)} TON, of which ${view.storedKeys} key(s), ${view.liveKeys} of them live, hold ${formatTon(view.requiredBondNano)} TON`,
    ];
    if (view.withdrawableAt === null) return lines;
    return [...lines, `unbonding ${formatTon(view.unbondingNano)} TON until ${isoTime(view.withdrawableAt)}`];
}

function sameKey(a: Buffer | null, b: Buffer | null): boolean {
    return a === null || b === null ? a === b : a.equals(b);
}
