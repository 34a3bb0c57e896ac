import { z } from 'zod';
import { capDigest, checkReceiptSignature, type Receipt, receiptReference } from '../../wrappers';
import {
    capWindowHash,
    costNano,
    encodeUsage,
    type Offer,
    usageHash,
    verifyOffer,
    verifySignature,
} from '../confidential';

const hex = (bytes: number) =>
    z
        .string()
        .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
        .transform((text) => Buffer.from(text, 'hex'));
const nano = z
    .string()
    .regex(/^\d{1,29}$/)
    .transform((digits) => BigInt(digits));
const count = z.int().min(0).max(0xffff_ffff);

/** A receipt as a gateway shows it; fields that nothing is checked by are let through. */
export const shownReceiptSchema = z.object({
    requestId: hex(16),
    model: z.string(),
    network: hex(32),
    escrow: hex(32),
    epoch: count,
    nodeKey: hex(32),
    sessionKey: hex(32),
    requestHash: hex(32),
    offerHash: hex(32),
    offer: z.base64().max(90_000).nullish(),
    capCumulativeNano: nano,
    windowNano: nano.nullish(),
    capSignature: hex(64),
    worstCaseNano: nano,
    reservedAt: z.iso.datetime(),
    receipt: z.object({
        sequence: count,
        costNano: nano,
        cumulativeNano: nano,
        reference: hex(32),
        signature: hex(64),
        usageHash: hex(32),
        transcriptHash: hex(32),
        usage: z
            .object({
                salt: hex(32),
                promptTokens: count,
                cachedPromptTokens: count,
                completionTokens: count,
                reasoningTokens: count,
                modelIndex: z.int().min(0).max(255),
            })
            .nullable(),
    }),
});
export type ShownReceipt = z.output<typeof shownReceiptSchema>;

type Outcome = 'ok' | 'wrong' | 'unknown';

export interface ReceiptVerdict {
    verdict: 'accepted' | 'rejected' | 'incomplete';
    requestId: string;
    /** Each check by name; `unknown` where what it needs is not there. */
    checks: Record<'nodeSignature' | 'reference' | 'offer' | 'usage' | 'cost' | 'cap', Outcome>;
}

/** Judges a receipt by itself: nothing is fetched, nobody is trusted. */
export function judgeReceipt(shown: ShownReceipt): ReceiptVerdict {
    const offer = offerOf(shown);
    const checks = {
        nodeSignature: outcome(() => checkReceiptSignature(receiptOf(shown), shown.receipt.signature)),
        reference: matches(receiptReference({ ...shown, ...shown.receipt }), shown.receipt.reference),
        offer: offer === undefined ? 'unknown' : offer === null ? 'wrong' : 'ok',
        usage: usageOutcome(shown),
        cost: costOutcome(shown, offer),
        cap: capOutcome(shown),
    } satisfies ReceiptVerdict['checks'];
    const found = Object.values<Outcome>(checks);
    const verdict = found.includes('wrong') ? 'rejected' : found.includes('unknown') ? 'incomplete' : 'accepted';
    return { verdict, requestId: shown.requestId.toString('hex'), checks };
}

function receiptOf({ network, escrow, epoch, nodeKey, sessionKey, receipt }: ShownReceipt): Receipt {
    const { sequence, costNano: cost, cumulativeNano, reference } = receipt;
    return { network, escrow, epoch, nodeKey, sessionKey, sequence, costNano: cost, cumulativeNano, reference };
}

/** Undefined where none was kept; null where it is not the one that the node signed and the request accepted. */
function offerOf({ offer, network, nodeKey, offerHash, reservedAt }: ShownReceipt): Offer | null | undefined {
    if (offer === undefined || offer === null) return undefined;
    const nowSec = Math.floor(Date.parse(reservedAt) / 1000);
    try {
        const verified = verifyOffer(Buffer.from(offer, 'base64'), { network, nodeKey, nowSec });
        return verified.hash.equals(offerHash) ? verified : null;
    } catch {
        return null;
    }
}

function usageOutcome({ receipt: { usage, usageHash: expected } }: ShownReceipt): Outcome {
    if (usage === null) return 'unknown';
    return outcome(() => {
        if (!usageHash(encodeUsage(usage)).equals(expected)) throw new Error('another usage');
    });
}

function costOutcome({ model, receipt, worstCaseNano }: ShownReceipt, offer: Offer | null | undefined): Outcome {
    if (receipt.costNano > worstCaseNano || receipt.costNano > receipt.cumulativeNano) return 'wrong';
    if (!offer || receipt.usage === null) return 'unknown';
    const terms = offer.models[receipt.usage.modelIndex];
    if (terms === undefined || terms.model !== model) return 'wrong';
    return outcome(() => {
        if (costNano(terms, receipt.usage!) !== receipt.costNano) throw new Error('another cost');
    });
}

function capOutcome(shown: ShownReceipt): Outcome {
    const { network, escrow, epoch, nodeKey, capCumulativeNano: cumulativeNano, windowNano } = shown;
    const signedHash =
        windowNano === undefined || windowNano === null
            ? shown.requestHash
            : capWindowHash(shown.requestHash, windowNano);
    const digest = capDigest({ network, escrow, epoch, nodeKey, cumulativeNano, requestHash: signedHash });
    return verifySignature({ publicKey: shown.sessionKey, digest, signature: shown.capSignature }) ? 'ok' : 'wrong';
}

function matches(one: Buffer, other: Buffer): Outcome {
    return one.equals(other) ? 'ok' : 'wrong';
}

function outcome(check: () => void): Outcome {
    try {
        check();
        return 'ok';
    } catch {
        return 'wrong';
    }
}
