import type { Address, OpenedContract } from '@ton/core';
import { z } from 'zod';
import { type HeldCollateral, type InForce, QuoteVerifier } from '../../../wrappers';
import type { ActPlan } from '../act';
import type { OperatorContext } from '../context';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address } from '../fields';
import { openRegistry } from '../network-addresses';

export const showCollateral = defineAct({
    name: 'show-collateral',
    purpose: 'Shows what collateral the chain holds, and until when quotes can be verified by it',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { registry }): Promise<ActPlan<HeldCollateral>> {
        const verifier = await openVerifier(context, registry);
        return {
            title: `Collateral of ${verifier.address}`,
            summary: [],
            messages: [],
            readBack: () => verifier.getCollateral(),
            describe: describeCollateral,
        };
    },
});

/** The verifier that the registry believes. @throws OperatorError `not_ready` where it has none yet */
export async function openVerifier(context: OperatorContext, given?: Address): Promise<OpenedContract<QuoteVerifier>> {
    const registry = await openRegistry(context, given);
    const { verifier } = await registry.getState();
    if (verifier !== null) return context.open(QuoteVerifier.createFromAddress(verifier));
    throw new OperatorError('not_ready', 'the registry has no verifier yet: run deploy-verifier and set-verifier');
}

export function describeCollateral(held: HeldCollateral): string[] {
    return [
        `evaluations from ${held.evaluationFloor} on, ${held.knownPckCount} machine(s) known`,
        ...held.revocationLists.map(
            (list) => `revocation list of the ${list.authority} authority, ${list.revokedCount} revoked, ${span(list)}`,
        ),
        ...held.tcbInfos.map(
            (info) => `TCB info of ${info.fmspc.toString('hex')}, evaluation ${info.evaluation}, ${span(info)}`,
        ),
        ...held.qeIdentities.map((identity) => `QE identity, evaluation ${identity.evaluation}, ${span(identity)}`),
    ];
}

function span({ issuedAt, expiresAt }: InForce): string {
    return `${issuedAt.toISOString().slice(0, 19)}Z to ${expiresAt.toISOString().slice(0, 19)}Z`;
}
