import { parseAmdCrl, type AmdRevocationList } from '../parse/crl';
import type { SnpChain } from './chain';
import { checkSnp, parsedSnp } from './check-codes';
import { isSignedPss } from './signature';

/**
 * The root's list revokes authorities. Endorsement keys are not revoked by name, all having serial 0: AMD retires them by
 * raising the TCB version that a policy asks for.
 */
export function checkRevocation(crl: Uint8Array, chain: SnpChain, atMs: number): AmdRevocationList {
    const what = 'revocation list of the root';
    const list = parsedSnp('ark_crl_encoding', what, () => parseAmdCrl(Buffer.from(crl)));
    const { root, authority } = chain;
    checkSnp(list.issuer.equals(root.subject), 'ark_crl_issuer', `${what} is of another root`);
    const signed = isSignedPss(root.key, list.tbs, list.signature);
    checkSnp(signed, 'ark_crl_signature', `${what} is not signed by it`);
    const inForce = list.thisUpdate <= atMs && atMs <= list.nextUpdate;
    checkSnp(inForce, 'ark_crl_dates', `${what} is not in force at that date: fetch it again`);
    const revoked = [authority, root].some(({ serial }) => list.revokedSerials.has(serial));
    checkSnp(!revoked, 'ask_revoked', `AMD revoked ${authority.subjectName}: machines below it are trusted no more`);
    return list;
}
