import { AttestationError } from '../errors';
import { ChainChecker, intelName } from '../verify/certificate-chain';
import { CheckFailure } from '../verify/check-codes';
import { openQuote } from '../verify/open-quote';
import { intelRootPublicKey, maxQuoteLength } from '../verify/verify-quote';
import { parseCertificate } from '../parse/certificate';
import { FormatError } from '../parse/format-error';
import { parsePemChain } from '../parse/pem';
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

/** Which PCK authority a chain begins with, by its name alone. @throws AttestationError `evidence_unusable` */
export function pckAuthorityOf(chainPem: string): CollateralNeeds['authority'] {
    try {
        const [authority] = parsePemChain(chainPem, 2);
        const { subjectName } = parseCertificate(authority!);
        if (subjectName === intelName.platformCa) return 'platform';
        if (subjectName === intelName.processorCa) return 'processor';
        throw new FormatError(`it begins with "${subjectName.slice(0, 80)}"`);
    } catch (error) {
        const why = (error as Error).message;
        throw new AttestationError('evidence_unusable', `not the chain of a PCK authority: ${why}`, error);
    }
}
