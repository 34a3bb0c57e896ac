import type { Certificate } from '../parse/certificate';
import {
    bodyTypeOf,
    CertificationTypeError,
    parseQuote,
    readHeader,
    type Quote,
    type QuoteHeader,
} from '../parse/quote';
import { ecdsaP256KeyType, intelQeVendorId, teeType } from '../parse/quote-layout';
import { parseSgxExtension, type PlatformFacts } from '../parse/sgx-extension';
import { ChainProblem, pckChainShape, type ChainChecker } from './certificate-chain';
import { check, CheckFailure, parsed } from './check-codes';

/** A quote whose header, lengths and PCK chain are good; nothing in it is signed yet. */
export interface OpenedQuote {
    quote: Quote;
    /** Leaf, authority, root. */
    chain: Certificate[];
    platform: PlatformFacts;
}

/** Facts for the verdict of a refusal, as far as they were read. */
export interface OpenProgress {
    quote?: Quote;
    platform?: PlatformFacts;
}

/** Steps 1 to 3. */
export function openQuote(bytes: Buffer, chains: ChainChecker, progress: OpenProgress): OpenedQuote {
    const header = parsed('quote_length', 'quote', () => readHeader(bytes));
    checkHeader(header);
    const type = parsed('quote_length', 'quote', () => bodyTypeOf(bytes, header));
    if (type === null) {
        throw new CheckFailure('quote_body_type', 'the quote has a body of unknown type, or of the other TEE');
    }
    const quote = cutQuote(bytes, header, type);
    progress.quote = quote;
    const chain = checkPckChain(quote, chains);
    const extension = chain[0]!.sgxExtension;
    const platform = parsed('pck_extension', "the PCK certificate's SGX extension", () => {
        check(extension !== null, 'pck_extension', 'missing');
        return parseSgxExtension(extension);
    });
    progress.platform = platform;
    return { quote, chain, platform };
}

function checkHeader(header: QuoteHeader): void {
    const { version } = header;
    check(version >= 3 && version <= 5, 'quote_version', `quotes of version ${version} are not supported`);
    check(header.keyType === ecdsaP256KeyType, 'quote_key_type', 'the attestation key is not ECDSA P-256');
    const isTdx = header.teeType === teeType.tdx;
    check(
        isTdx ? version >= 4 : header.teeType === teeType.sgx,
        'quote_tee_type',
        'the quote is neither of TDX nor of SGX',
    );
    check(header.qeVendorId.equals(intelQeVendorId), 'quote_vendor', "the quoting enclave is not Intel's");
}

function cutQuote(bytes: Buffer, header: QuoteHeader, type: Parameters<typeof parseQuote>[2]): Quote {
    try {
        return parseQuote(bytes, header, type);
    } catch (error) {
        const code = error instanceof CertificationTypeError ? 'quote_certification_type' : 'quote_length';
        throw new CheckFailure(code, (error as Error).message);
    }
}

function checkPckChain(quote: Quote, chains: ChainChecker): Certificate[] {
    try {
        return chains.check(quote.pckChain.toString('latin1'), pckChainShape);
    } catch (error) {
        if (error instanceof ChainProblem) {
            throw new CheckFailure(`pck_chain_${error.kind}`, `PCK certificate chain: ${error.message}`);
        }
        throw error;
    }
}
