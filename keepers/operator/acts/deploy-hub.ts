import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { Payout, type PayoutState } from '../../../wrappers';
import { ifActive } from '../account';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bps, uint32 } from '../fields';
import { openRegistry } from '../network-addresses';

export interface HubView extends PayoutState {
    address: Address;
}

/** Its storage reserve and gas for the deployment; stays there. */
const deployValueNano = 1_000_000_000n;

export const hubArguments = {
    operator: address.optional().describe('who sets and withdraws the fee; your wallet unless given'),
    closeDelaySec: uint32.describe('seconds between a close and the withdrawal, in which receipts are still paid'),
    maxFeeBps: bps.describe('ceiling of the fee for the hub’s life, hundredths of a percent'),
    initialFeeBps: bps.describe('fee to begin with, hundredths of a percent'),
    salt: uint32.default(0).describe('hubs of one operator differ by it; 0 unless given'),
    endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('base URL of its dispatcher, for the deployment file'),
};

export const deployHub = defineAct({
    name: 'deploy-hub',
    purpose: 'Deploys a settlement hub and records it in the deployment file',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        ...hubArguments,
    }),
    async plan(
        context,
        { registry: given, endpoint = null, operator = context.sender.address, ...numbers },
    ): Promise<ActPlan<HubView>> {
        if (numbers.initialFeeBps > numbers.maxFeeBps) {
            throw new OperatorError('argument_invalid', 'deploy-hub: initialFeeBps is above maxFeeBps');
        }
        const registry = (await openRegistry(context, given)).address;
        const hub = context.open(await Payout.createFromConfig({ registry, operator, ...numbers }));
        const read = () => ifActive(context, hub.address, () => hub.getState());
        const isDone = (await read()) !== null;
        const message = () =>
            planMessage(context.sender.address, 'deploy the hub and fill its storage reserve', (via) =>
                hub.sendTopUp(via, { valueNano: deployValueNano }),
            );
        return {
            title: isDone ? 'The hub exists' : 'Deploy the hub',
            summary: [
                `hub ${hub.address}`,
                `operator ${operator}`,
                `close delay ${numbers.closeDelaySec} s, fee ${percent(numbers.initialFeeBps)} of at most ${percent(numbers.maxFeeBps)}`,
            ],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                const state = await read();
                return state === null ? null : { address: hub.address, ...state };
            },
            describe: describeHub,
            record: (view) => {
                const record = { address: view.address, operator, ...numbers, endpoint };
                if (context.deployment.isOf(registry)) context.deployment.recordHub(record);
            },
        };
    },
});

export function describeHub(view: HubView): string[] {
    return [
        `hub ${view.address}, operator ${view.operator}`,
        `fee ${percent(view.feeBps)} of at most ${percent(view.maxFeeBps)}, close delay ${view.closeDelaySec} s`,
        `owes ${formatTon(view.liabilitiesNano)} TON, of it ${formatTon(view.accruedFeesNano)} TON fees`,
        `${view.nodeCount} node(s) of ${view.ownerCount} provider(s)`,
    ];
}

function percent(bps: number): string {
    return `${Math.floor(bps / 100)}.${String(bps % 100).padStart(2, '0')} %`;
}
