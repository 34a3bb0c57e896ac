import { AttestationError } from '../errors';
import { ChainChecker, intelName } from '../verify/certificate-chain';
import { CheckFailure } from '../verify/check-codes';
import { openQuote } from '../verify/open-quote';
import { intelRootPublicKey, maxQuoteLength } from '../verify/verify-quote';
import type { CollateralNeeds } from './parts';

/**
 * What to fetch for a quote. Its PCK chain is checked up to the root first, so that nobody without a machine of his own
 * can make a verifier ask its collateral service for whatever he likes.
 */
export function collateralNeeds(quote: Uint8Array, options: { at: Date; rootPublicKey?: Buffer }): CollateralNeeds {
    if (quote.length > maxQuoteLength) {
        throw new AttestationError('evidence_unusable', `the quote is over ${maxQuoteLength} bytes`);
    }
    const bytes = Buffer.from(quote.buffer, quote.byteOffset, quote.length);
    const chains = new ChainChecker(options.rootPublicKey ?? intelRootPublicKey, options.at.getTime());
    try {
        const { quote: opened, chain, platform } = openQuote(bytes, chains, {});
        return {
            tee: opened.body.kind === 'td' ? 'tdx' : 'sgx',
            authority: chain[1]!.subjectName === intelName.platformCa ? 'platform' : 'processor',
            fmspc: platform.fmspc.toString('hex'),
        };
    } catch (error) {
        if (error instanceof CheckFailure) {
            throw new AttestationError('evidence_unusable', `${error.code}: ${error.message}`, error);
        }
        throw error;
    }
}
