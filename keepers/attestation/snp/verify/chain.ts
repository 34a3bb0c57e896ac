import { createHash } from 'node:crypto';
import { requireFormat } from '../../parse/format-error';
import { parsePemChain } from '../../parse/pem';
import { parseAmdCertificate, type AmdCertificate } from '../parse/certificate';
import type { SigningKeyKind } from '../parse/report';
import { authorityNameOf, leafName, products, rootNameOf, type Product } from '../product';
import { checkSnp, parsedSnp } from './check-codes';
import { isSignedPss } from './signature';

/** Certificates of one report: whatever their source, they count only as far as they lead to the pinned root. */
export interface SnpCertificates {
    /** Of the endorsement key (VCEK or VLEK), DER. */
    vek: Uint8Array;
    /** PEM of its authority (ASK or ASVK) and the root (ARK), in this order, as the key distribution service has it. */
    chain: string;
    /** The root's revocation list, DER. */
    crl?: Uint8Array | null;
}

export interface SnpChain {
    vek: AmdCertificate;
    authority: AmdCertificate;
    root: AmdCertificate;
    product: Product;
}

export interface ChainOptions {
    signingKey: SigningKeyKind;
    /** SHA-256 of the SubjectPublicKeyInfo of a development root, in place of all of AMD's. */
    rootKeyHash: Buffer | undefined;
    atMs: number;
}

export const maxChainLength = 32 * 1024;

/** Endorsement key to pinned root: encoding, root, names, roles, dates, signatures. */
export function checkChain(certificates: SnpCertificates, options: ChainOptions): SnpChain {
    const [vek, authority, root] = parseChain(certificates);
    const product = productOf(root, options.rootKeyHash);
    checkNames([vek, authority, root], product, options.signingKey);
    checkRoles(vek, authority, root);
    const chain = [vek, authority, root];
    for (const { notBefore, notAfter, subjectName } of chain) {
        const valid = notBefore <= options.atMs && options.atMs <= notAfter;
        checkSnp(valid, 'vek_chain_validity', `certificate of "${subjectName}" is not valid at that date`);
    }
    chain.forEach((certificate, i) => {
        const signed = isSignedPss((chain[i + 1] ?? root).key, certificate.tbs, certificate.signature);
        const message = `certificate of "${certificate.subjectName}" is not signed by its issuer`;
        checkSnp(signed, 'vek_chain_signature', message);
    });
    return { vek, authority, root, product };
}

export function keyHashOf({ spki }: AmdCertificate): Buffer {
    return createHash('sha256').update(spki).digest();
}

function parseChain({ vek, chain }: SnpCertificates): [AmdCertificate, AmdCertificate, AmdCertificate] {
    return parsedSnp('vek_chain_encoding', 'certificate chain', () => {
        const ders = parsePemChain(chain, 2);
        requireFormat(ders.length === 2, 'the chain holds not the two certificates of authority and root');
        const [authority, root] = ders.map(parseAmdCertificate) as [AmdCertificate, AmdCertificate];
        return [parseAmdCertificate(Buffer.from(vek)), authority, root];
    });
}

/** A development root is of the product line that it names itself after; AMD's are known by their key. */
function productOf(root: AmdCertificate, rootKeyHash: Buffer | undefined): Product {
    const hash = keyHashOf(root);
    const product = Object.values(products).find((candidate) =>
        rootKeyHash === undefined
            ? candidate.rootKeyHash === hash.toString('hex')
            : rootKeyHash.equals(hash) && rootNameOf(candidate) === root.subjectName,
    );
    checkSnp(product !== undefined, 'vek_chain_root', 'the chain ends at a root key that is not a trusted one');
    return product;
}

function checkNames(chain: AmdCertificate[], product: Product, signingKey: SigningKeyKind): void {
    const names = [leafName[signingKey], authorityNameOf(product, signingKey), rootNameOf(product)];
    chain.forEach(({ subjectName, issuer }, i) => {
        const wrong = `certificate of "${subjectName.slice(0, 80)}" where "${names[i]}" is expected`;
        checkSnp(subjectName === names[i], 'vek_chain_names', wrong);
        const issuerIsNext = issuer.equals((chain[i + 1] ?? chain[i]!).subject);
        checkSnp(issuerIsNext, 'vek_chain_names', 'issuer is not the next certificate of the chain');
    });
}

function checkRoles(vek: AmdCertificate, authority: AmdCertificate, root: AmdCertificate): void {
    const isEndorsementKey = vek.keyKind === 'p384' && !vek.isCa && vek.keyUsage?.keyCertSign !== true;
    checkSnp(isEndorsementKey, 'vek_chain_constraints', 'the endorsement key is of another kind, or claims authority');
    for (const { keyKind, isCa, keyUsage, subjectName } of [authority, root]) {
        const isAuthority = keyKind === 'rsa' && isCa && keyUsage?.keyCertSign === true;
        checkSnp(isAuthority, 'vek_chain_constraints', `certificate of "${subjectName}" is not one of an authority`);
    }
    checkSnp(root.keyUsage?.crlSign === true, 'vek_chain_constraints', 'the root may not sign revocation lists');
    checkSnp(authority.pathLength === 0, 'vek_chain_constraints', 'the authority may have others below it');
}
