import { z } from 'zod';
import { errorMessage } from '../../base';
import { type Offer, verifyOffer } from '../../confidential';
import { decodeKeyBundle, type KeyBundle } from '../../../wrappers';
import { fetchServedNodes } from '../served-nodes';
import { ProviderError } from './errors';

/** A node as its dispatcher lists it: what it offers, under its own signature, and how busy the dispatcher says it is. */
export interface MarketNode {
    nodeKey: string;
    bundle: KeyBundle;
    offer: Offer;
    load: { inFlight: number; queued: number; maxConcurrency: number; failureShare: number };
}

const share = z.number().min(0).max(1);
const count = z.int().min(0);
const rowSchema = z.object({
    nodeKey: z.string().regex(/^[0-9a-f]{64}$/),
    bundle: z.string(),
    offer: z.string(),
    load: z.object({ inFlight: count, queued: count, maxConcurrency: count, failureShare: share }),
});

/**
 * Nodes of one dispatcher's directory, or the one asked for, whose offers are signed and current; others nobody could buy from.
 * @throws ProviderError `directory_unreadable`
 */
export async function readMarket(
    url: string,
    of: { network: Buffer; nowSec: number; nodeKey?: string },
): Promise<MarketNode[]> {
    const { rows } = await fetchServedNodes(url, { nodeKey: of.nodeKey }).catch((error: unknown) => {
        throw new ProviderError('directory_unreadable', errorMessage(error), error);
    });
    return rows.flatMap((row) => {
        const node = marketNode(row, of);
        return node === null ? [] : [node];
    });
}

function marketNode(row: unknown, { network, nowSec }: { network: Buffer; nowSec: number }): MarketNode | null {
    const parsed = rowSchema.safeParse(row);
    if (!parsed.success) return null;
    const { nodeKey, bundle, offer, load } = parsed.data;
    try {
        const expected = { network, nodeKey: Buffer.from(nodeKey, 'hex'), nowSec };
        return {
            nodeKey,
            bundle: decodeKeyBundle(Buffer.from(bundle, 'base64')),
            offer: verifyOffer(Buffer.from(offer, 'base64'), expected),
            load,
        };
    } catch {
        return null;
    }
}
