import { z } from 'zod';

/**
 * What a verifier needs besides the quote, as Intel's service hands it out. Certificates are PEM chains (leaf first),
 * revocation lists hex of DER, signatures hex of r | s, and the two JSON texts exactly as received, for they are signed.
 */
export interface Collateral {
    pck_crl_issuer_chain: string;
    root_ca_crl: string;
    pck_crl: string;
    tcb_info_issuer_chain: string;
    tcb_info: string;
    tcb_info_signature: string;
    qe_identity_issuer_chain: string;
    qe_identity: string;
    qe_identity_signature: string;
}

export const collateralKeys = [
    'pck_crl_issuer_chain',
    'root_ca_crl',
    'pck_crl',
    'tcb_info_issuer_chain',
    'tcb_info',
    'tcb_info_signature',
    'qe_identity_issuer_chain',
    'qe_identity',
    'qe_identity_signature',
] as const satisfies (keyof Collateral)[];

/** No part of Intel's collateral comes near this; it bounds the work a hostile input can cause. */
export const maxCollateralPartLength = 256 * 1024;

/** The nine texts and nothing else, as a schema for files and for what peers serve. */
export const collateralTexts = z.strictObject(
    Object.fromEntries(collateralKeys.map((key) => [key, z.string()])) as Record<keyof Collateral, z.ZodString>,
);
