import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { evidenceWindowSec, type NodeKey } from '../../../wrappers';
import type { ActPlan } from '../act';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { isoTime } from '../iso-time';
import { knownHubs } from '../known-hubs';
import { openProviderOf, requireActive } from '../network-addresses';
import { describeProvider, type ProviderView } from './create-provider';

export interface HubOfProvider {
    hub: Address;
    /** what a claim there would pay */
    creditNano: bigint;
    /** keys that take work there, and those that do not, with the reason; by hex */
    keys: Map<string, string>;
}

export interface ProviderWithKeys extends ProviderView {
    /** chain time, unix seconds */
    nowSec: number;
    /** by node key in hex */
    keys: Map<string, NodeKey>;
    /** listed in the registry or in the deployment file */
    hubs: HubOfProvider[];
}

export const showProvider = defineAct({
    name: 'show-provider',
    purpose:
        'Shows a provider: its bond and what of it is free, its keys, what it earned and where its nodes are admitted',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        owner: address.optional().describe('the provider’s owner; your wallet unless given'),
    }),
    async plan(context, choice): Promise<ActPlan<ProviderWithKeys>> {
        const provider = await openProviderOf(context, choice);
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const readBack = async (): Promise<ProviderWithKeys> => {
            const [state, keys, nowSec] = [await provider.getState(), await provider.getKeys(), await context.nowSec()];
            const hubs: HubOfProvider[] = [];
            for (const hub of await knownHubs(context, state.registry)) {
                const admitted = new Map<string, string>();
                for (const [hex, key] of keys) {
                    const node = await hub.getNode(Buffer.from(hex, 'hex'));
                    admitted.set(hex, admissionOf(key, node, nowSec));
                }
                hubs.push({ hub: hub.address, creditNano: await hub.getCredit(state.owner), keys: admitted });
            }
            return { address: provider.address, ...state, nowSec, keys, hubs };
        };
        return { title: 'Provider', summary: [], messages: [], readBack, describe };
    },
});

type Admitted = { notAfter: number; revokedAt: number | null; settlesUntil: number } | null;

/** Whether the hub gives the key work, until when, and why not. */
function admissionOf(key: NodeKey, node: Admitted, nowSec: number): string {
    if (key.revokedAt !== null) {
        if (node === null) return 'not admitted: revoked';
        const settles = `its receipts settle until ${isoTime(node.settlesUntil)}`;
        return node.revokedAt === null ? 'revoked, but the hub was not told: run admit-node' : `revoked; ${settles}`;
    }
    if (key.notAfter < nowSec) return 'expired: its node must register again';
    if (node === null) return 'not admitted yet: run admit-node';
    if (node.notAfter < nowSec) return 'recorded anew, but the hub was not told: run admit-node';
    return `admitted until ${isoTime(node.notAfter)}`;
}

function describe(view: ProviderWithKeys): string[] {
    const freeNano = view.bondNano - view.requiredBondNano;
    const out =
        view.withdrawableAt !== null && view.withdrawableAt <= view.nowSec
            ? [`${formatTon(view.unbondingNano)} TON can be withdrawn now: run withdraw-bond`]
            : [];
    return [
        ...describeProvider(view),
        `${formatTon(freeNano > 0n ? freeNano : 0n)} TON of the bond can be unbonded, and withdrawn seven days later`,
        ...out,
        ...[...view.keys].map(describeKey),
        ...view.hubs.flatMap(describeHubOfProvider),
    ];
}

function describeHubOfProvider({ hub, creditNano, keys }: HubOfProvider): string[] {
    return [
        `at hub ${hub}: ${formatTon(creditNano)} TON to claim`,
        ...[...keys].map(([hex, admission]) => `  ${hex}: ${admission}`),
    ];
}

function describeKey([nodeKey, { notAfter, revokedAt, isSlashed, bondNano }]: [string, NodeKey]): string {
    const revoked = revokedAt === null ? '' : `, revoked at ${isoTime(revokedAt)}`;
    const held = isSlashed
        ? 'slashed'
        : `holds ${formatTon(bondNano)} TON until ${isoTime(notAfter + evidenceWindowSec)}`;
    return `node key ${nodeKey} until ${isoTime(notAfter)}${revoked}, ${held}`;
}
