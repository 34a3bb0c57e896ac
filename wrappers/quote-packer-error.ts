export type QuotePackErrorCode =
    /** A length inside the quote points past its end, or two lengths disagree. */
    | 'TRUNCATED'
    /** A version, body type, certification type or size that the contract has no layout for. */
    | 'UNSUPPORTED_LAYOUT'
    /** The embedded certificate chain is not two PEM certificates and a root, or one is not DER of the expected shape. */
    | 'BAD_CERTIFICATE';

/** The bytes can't be cut into the contract's layout; a quote that is merely false is packed, for the contract to refuse. */
export class QuotePackError extends Error {
    constructor(
        readonly code: QuotePackErrorCode,
        message: string,
    ) {
        super(message);
        this.name = 'QuotePackError';
    }
}
