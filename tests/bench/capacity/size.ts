/** What one dispatcher, and a gateway in front of it, must bear. */
export const nodeCount = 10_000;
export const escrowCount = 100_000;
/** Of a TDX quote with its certificate chain, about. */
export const quoteBytes = 5_000;
