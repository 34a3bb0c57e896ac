import type { Address } from '@ton/core';
import { z } from 'zod';
import { errorMessage, formatTon } from '../../base';
import { checkReceiptSignature, decodeReceiptTail, type EvidenceReceipt, receiptTailBytes } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes, uint32 } from '../fields';
import { openProviderOf, openRegistry, requireActive } from '../network-addresses';

export interface SlashedNode {
    provider: Address;
    nodeKey: Buffer;
    /** its share of the bond; a tenth of it came to the reporter */
    bondNano: bigint;
}

const signatureBytes = 64;
const evidence = bytes(receiptTailBytes + signatureBytes);

export const slashNode = defineAct({
    name: 'slash-node',
    purpose: 'Proves that a node key contradicted itself: its bond is slashed, a tenth comes to you',
    args: z.strictObject({
        owner: address.describe('owner of the node’s provider'),
        escrow: address.describe('escrow that both receipts are about'),
        epoch: uint32.describe('its epoch that both receipts are about'),
        first: evidence.describe('a receipt (124 bytes) and its signature (64 bytes), hex'),
        second: evidence.describe('one that contradicts it, likewise'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, args): Promise<ActPlan<SlashedNode>> {
        const registry = await openRegistry(context, args.registry);
        const provider = await openProviderOf(context, { registry: registry.address, owner: args.owner });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const scope = { network: registry.network, escrow: args.escrow.hash, epoch: args.epoch };
        const receipts = [signedReceipt(args.first), signedReceipt(args.second)] as const;
        for (const { receipt, signature } of receipts)
            requireSigned(() => checkReceiptSignature({ ...scope, ...receipt }, signature));
        requireContradiction(receipts);
        const { nodeKey } = receipts[0].receipt;
        const key = await provider.getKey(nodeKey);
        if (key === null) throw new OperatorError('refused', 'the provider has no such key: see show-provider');
        const what = `report the contradiction; about ${formatTon(key.bondNano / 10n)} TON come to you`;
        const message = () =>
            planMessage(context.sender.address, what, (via) =>
                provider.sendSlash(via, { nodeKey, escrow: scope.escrow, epoch: scope.epoch, receipts }),
            );
        return {
            title: key.isSlashed ? 'The key is slashed already' : 'Slash the node',
            summary: [`provider ${provider.address}`, `node key ${nodeKey.toString('hex')}`],
            messages: key.isSlashed ? [] : [await message()],
            readBack: async () => {
                const now = await provider.getKey(nodeKey);
                return now?.isSlashed ? { provider: provider.address, nodeKey, bondNano: now.bondNano } : null;
            },
            describe: ({ bondNano }) => [`slashed: ${formatTon(bondNano)} TON of the bond are gone`],
        };
    },
});

function signedReceipt(raw: Buffer): EvidenceReceipt {
    const receipt = decodeReceiptTail(raw.subarray(0, receiptTailBytes));
    return { receipt, signature: raw.subarray(receiptTailBytes) };
}

function requireSigned(check: () => void): void {
    try {
        check();
    } catch (error) {
        throw new OperatorError('refused', `a receipt is not evidence: ${errorMessage(error)}`, { cause: error });
    }
}

/** As contracts/provider/contradiction.tact judges. */
function requireContradiction([first, second]: readonly [EvidenceReceipt, EvidenceReceipt]): void {
    const [a, b] = [first.receipt, second.receipt];
    if (!a.nodeKey.equals(b.nodeKey)) throw new OperatorError('refused', 'the receipts are of two keys');
    const isSame = a.sequence === b.sequence && a.cumulativeNano === b.cumulativeNano;
    const isRepeated =
        isSame && a.costNano === b.costNano && a.reference.equals(b.reference) && a.sessionKey.equals(b.sessionKey);
    const [older, newer] = a.sequence < b.sequence ? [a, b] : [b, a];
    const contradicts = a.sequence === b.sequence ? !isRepeated : newer.cumulativeNano < older.cumulativeNano;
    if (!contradicts) throw new OperatorError('refused', 'the receipts do not contradict each other');
}
