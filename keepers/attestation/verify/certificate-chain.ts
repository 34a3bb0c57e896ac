import type { KeyObject } from 'node:crypto';
import { parseCertificate, type Certificate } from '../parse/certificate';
import { p256SpkiPrefix } from '../parse/oids';
import { parsePemChain } from '../parse/pem';
import { requireFormat } from '../parse/format-error';
import { importKey, isSignedDer } from './signature';

export const intelName = {
    root: 'Intel SGX Root CA',
    platformCa: 'Intel SGX PCK Platform CA',
    processorCa: 'Intel SGX PCK Processor CA',
    pck: 'Intel SGX PCK Certificate',
    tcbSigner: 'Intel SGX TCB Signing',
} as const;

/** Names a certificate may have in each place of a chain, leaf first. */
export type ChainShape = readonly (readonly string[])[];

const pckCa = [intelName.platformCa, intelName.processorCa];
export const pckChainShape: ChainShape = [[intelName.pck], pckCa, [intelName.root]];
export const pckCaChainShape: ChainShape = [pckCa, [intelName.root]];
export const tcbSignerChainShape: ChainShape = [[intelName.tcbSigner], [intelName.root]];

export type ChainProblemKind = 'encoding' | 'root' | 'names' | 'constraints' | 'validity' | 'signature';

export class ChainProblem extends Error {
    constructor(
        readonly kind: ChainProblemKind,
        message: string,
    ) {
        super(message);
    }
}

function expectChain(condition: boolean, kind: ChainProblemKind, message: string): asserts condition {
    if (!condition) {
        throw new ChainProblem(kind, message);
    }
}

/**
 * Checks the certificate chains of one verification. Certificates met twice (the root is in every chain) are parsed and
 * their signatures checked once; the memory lasts as long as this object, so nothing is trusted across verifications.
 */
export class ChainChecker {
    private readonly parsed = new Map<string, Certificate>();
    private readonly signed = new Map<Certificate, Certificate>();
    /** When the first of the certificates accepted so far expires. */
    notAfter = Infinity;

    constructor(
        /** Uncompressed point, 65 bytes. */
        private readonly rootPublicKey: Buffer,
        private readonly atMs: number,
    ) {}

    /** The chain's certificates, leaf first, or a ChainProblem. */
    check(pem: string, shape: ChainShape): Certificate[] {
        const chain = this.parse(pem, shape.length);
        const root = chain.at(-1)!;
        expectChain(
            root.spki.subarray(p256SpkiPrefix.length).equals(this.rootPublicKey),
            'root',
            'the chain ends at a root key that is not the trusted one',
        );
        chain.forEach((certificate, i) => this.checkNames(certificate, chain[i + 1] ?? root, shape[i]!));
        chain.forEach((certificate, i) => checkConstraints(certificate, i, isLeafName(shape[0]!)));
        chain.forEach((certificate) => this.checkValidity(certificate));
        chain.forEach((certificate, i) => this.checkSignature(certificate, chain[i + 1] ?? root));
        return chain;
    }

    keyOf(certificate: Certificate): KeyObject | null {
        return importKey(certificate.spki);
    }

    private parse(pem: string, length: number): Certificate[] {
        try {
            const ders = parsePemChain(pem, length);
            requireFormat(ders.length === length, `${ders.length} certificates where ${length} are expected`);
            return ders.map((der) => this.parseOnce(der));
        } catch (error) {
            throw new ChainProblem('encoding', (error as Error).message);
        }
    }

    private parseOnce(der: Buffer): Certificate {
        const id = der.toString('latin1');
        const certificate = this.parsed.get(id) ?? parseCertificate(der);
        this.parsed.set(id, certificate);
        return certificate;
    }

    private checkNames(certificate: Certificate, issuer: Certificate, names: readonly string[]): void {
        expectChain(
            names.includes(certificate.subjectName),
            'names',
            `certificate of "${certificate.subjectName.slice(0, 80)}" where "${names.join('" or "')}" is expected`,
        );
        expectChain(
            certificate.issuer.equals(issuer.subject),
            'names',
            'issuer is not the next certificate of the chain',
        );
    }

    private checkValidity(certificate: Certificate): void {
        const valid = certificate.notBefore <= this.atMs && this.atMs <= certificate.notAfter;
        expectChain(valid, 'validity', `certificate of "${certificate.subjectName}" is not valid at that date`);
        this.notAfter = Math.min(this.notAfter, certificate.notAfter);
    }

    private checkSignature(certificate: Certificate, issuer: Certificate): void {
        if (this.signed.get(certificate) === issuer) {
            return;
        }
        expectChain(
            isSignedDer(this.keyOf(issuer), certificate.tbs, certificate.signature),
            'signature',
            `certificate of "${certificate.subjectName}" is not signed by its issuer`,
        );
        this.signed.set(certificate, issuer);
    }
}

function isLeafName(names: readonly string[]): boolean {
    return names.includes(intelName.pck) || names.includes(intelName.tcbSigner);
}

/** Leaves sign data and nothing else; authorities sign certificates and lists, and bound what is below them. */
function checkConstraints(certificate: Certificate, depth: number, startsWithLeaf: boolean): void {
    const { isCa, pathLength, keyUsage } = certificate;
    const what = `certificate of "${certificate.subjectName}"`;
    if (depth === 0 && startsWithLeaf) {
        expectChain(!isCa && pathLength === null, 'constraints', `${what} claims to be an authority`);
        expectChain(keyUsage.digitalSignature && !keyUsage.keyCertSign, 'constraints', `${what} may not sign data`);
        return;
    }
    const authoritiesBelow = startsWithLeaf ? depth - 1 : depth;
    expectChain(isCa && pathLength !== null, 'constraints', `${what} is not an authority of bounded path length`);
    expectChain(pathLength >= authoritiesBelow, 'constraints', `${what} allows no such long path`);
    expectChain(keyUsage.keyCertSign && keyUsage.crlSign, 'constraints', `${what} may not sign certificates and lists`);
}
