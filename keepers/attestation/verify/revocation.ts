import type { Certificate } from '../parse/certificate';
import { parseCrl, type RevocationList } from '../parse/crl';
import { parseHex } from '../parse/pem';
import type { ChainChecker } from './certificate-chain';
import { check, parsed } from './check-codes';
import { isSignedDer } from './signature';

const lists = {
    root: {
        what: 'revocation list of the root',
        codes: {
            encoding: 'root_crl_encoding',
            issuer: 'root_crl_issuer',
            signature: 'root_crl_signature',
            dates: 'root_crl_dates',
        },
    },
    pck: {
        what: 'revocation list of the PCK authority',
        codes: {
            encoding: 'pck_crl_encoding',
            issuer: 'pck_crl_issuer',
            signature: 'pck_crl_signature',
            dates: 'pck_crl_dates',
        },
    },
} as const;

export interface CrlContext {
    chains: ChainChecker;
    issuer: Certificate;
    atMs: number;
}

/** A list that is complete, of the right authority, signed by it and in force. */
export function acceptCrl(hex: string, which: keyof typeof lists, context: CrlContext): RevocationList {
    const { what, codes } = lists[which];
    const crl = parsed(codes.encoding, what, () => parseCrl(parseHex(hex)));
    check(crl.issuer.equals(context.issuer.subject), codes.issuer, `${what} is of another authority`);
    check(
        isSignedDer(context.chains.keyOf(context.issuer), crl.tbs, crl.signature),
        codes.signature,
        `${what} is not signed by that authority`,
    );
    const inForce = crl.thisUpdate <= context.atMs && context.atMs <= crl.nextUpdate;
    check(inForce, codes.dates, `${what} is not in force at that date: fetch collateral again`);
    return crl;
}

export function isRevoked(crl: RevocationList, certificate: Certificate): boolean {
    return crl.revokedSerials.has(certificate.serial.toString('hex'));
}
