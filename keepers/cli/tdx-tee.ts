import { randomBytes } from 'node:crypto';
import { imageIdOf, intelRootPublicKey, verifyQuoteSignature } from '../attestation';
import { NodeError, type NodeTee, type QuoteSource } from '../node';

/** A real TDX guest: learns its own image from a first quote, as everyone else will see it. */
export async function tdxTee(quotes: QuoteSource): Promise<NodeTee> {
    const quote = await quotes.quote(randomBytes(64));
    const verdict = verifyQuoteSignature(quote, { at: new Date(), rootPublicKey: intelRootPublicKey });
    if (verdict.measurements === null)
        throw new NodeError('quote_unavailable', `the quote of this guest cannot be read: ${verdict.detail}`);
    return { quotes, imageId: imageIdOf(verdict.measurements) };
}
