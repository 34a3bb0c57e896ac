/** What one dispatcher, and a gateway in front of it, must bear. */
export const nodeCount = 10_000;
export const escrowCount = 100_000;
/** Requests whose admission is measured, each of an escrow and session key of its own. */
export const admissionCount = 10_000;
/** Of a TDX quote with its certificate chain, about. */
export const quoteBytes = 5_000;

/** All of a run's numbers, smaller where somebody only tries the bench. */
export interface Size {
    nodes: number;
    escrows: number;
    admissions: number;
}
