import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { requireFormat } from '../../parse/format-error';
import { p384SpkiPrefix } from '../../parse/oids';
import { parsePemChain } from '../../parse/pem';
import type { GpuArchitecture } from '../evidence-document';
import { parseDeviceCertificate, type DeviceCertificate } from '../parse/device-certificate';
import { check, parsed } from './check-codes';

/** Public key of the NVIDIA Device Identity CA, an uncompressed P-384 point: what all genuine evidence hangs on. */
export const nvidiaRootPublicKey = Buffer.from(
    '040e4c14a33bf8a5626658db4129607e4cbf4519c4412716f4d0d917c4978005bd' +
        'eabeaefd57bc66082d718a4f8b6052e1516ee8a7c422b84de857071bb58fd395' +
        'bea0cfa1c63ee7c80d6bd63901d91cbbd187d3857dc16b5cceaf238ff8c27dbd',
    'hex',
);

/** Common names, leaf first: firmware's key, device key burnt in, provisioner, chip's authority, root. */
const roles = [
    /^(G[HB]\d{3}) [A-Z]\d{2} .{0,16}FMC LF$/,
    /^(G[HB]\d{3}) [A-Z]\d{2} .{0,16}BROM$/,
    /^NVIDIA (G[HB]\d{3}) Provisioner ICA \d{1,8}$/,
    /^NVIDIA (G[HB]\d{3}) Identity$/,
    /^NVIDIA Device Identity CA$/,
] as const;

export interface DeviceChain {
    leaf: DeviceCertificate;
    /** The device itself: its key stays the same whatever firmware runs. */
    device: DeviceCertificate;
    /** GH100, GB100, … */
    chip: string;
    architecture: GpuArchitecture;
    /** When the first of the certificates expires, Unix ms. */
    notAfter: number;
}

/**
 * Step 3: certificates' roles, constraints, dates and signatures, up to the pinned root. GPUs of one host share their
 * authorities, which are parsed and checked once; the memory lasts as long as this object, so nothing is trusted across
 * verifications.
 */
export class DeviceChainChecker {
    private readonly parsed = new Map<string, DeviceCertificate>();
    private readonly signed = new Map<DeviceCertificate, DeviceCertificate>();

    constructor(
        /** Uncompressed P-384 point, 97 bytes. */
        private readonly rootPublicKey: Buffer,
        private readonly atMs: number,
    ) {}

    /** Five certificates in PEM, leaf first. */
    check(pem: string): DeviceChain {
        const chain = parsed('gpu_chain_encoding', 'certificate chain of the GPU', () => this.parse(pem));
        const root = chain.at(-1)!;
        check(
            root.spki.subarray(p384SpkiPrefix.length).equals(this.rootPublicKey),
            'gpu_chain_root',
            'the chain ends at a root key that is not the trusted one',
        );
        const chip = checkNames(chain);
        chain.forEach(checkConstraints);
        chain.forEach((certificate) => this.checkValidity(certificate));
        chain.forEach((certificate, i) => this.checkSignature(certificate, chain[i + 1] ?? root));
        return {
            leaf: chain[0]!,
            device: chain[1]!,
            chip,
            architecture: chip.startsWith('GH') ? 'HOPPER' : 'BLACKWELL',
            notAfter: Math.min(...chain.map(({ notAfter }) => notAfter)),
        };
    }

    private parse(pem: string): DeviceCertificate[] {
        const ders = parsePemChain(pem, roles.length);
        requireFormat(ders.length === roles.length, `${ders.length} certificates where ${roles.length} are expected`);
        return ders.map((der) => {
            const id = der.toString('latin1');
            const certificate = this.parsed.get(id) ?? parseDeviceCertificate(der);
            this.parsed.set(id, certificate);
            return certificate;
        });
    }

    private checkValidity({ notBefore, notAfter, subjectName }: DeviceCertificate): void {
        const valid = notBefore <= this.atMs && this.atMs <= notAfter;
        check(valid, 'gpu_chain_validity', `certificate of "${subjectName}" is not valid at that date`);
    }

    private checkSignature(certificate: DeviceCertificate, issuer: DeviceCertificate): void {
        if (this.signed.get(certificate) === issuer) return;
        check(
            isSigned(issuer, certificate.tbs, certificate.signature, 'der'),
            'gpu_chain_signature',
            `certificate of "${certificate.subjectName}" is not signed by its issuer`,
        );
        this.signed.set(certificate, issuer);
    }
}

/** Each name fits its place, names the same chip, and its issuer is the next. */
function checkNames(chain: DeviceCertificate[]): string {
    const chips = chain.map(({ subjectName }, i) => {
        const match = roles[i]!.exec(subjectName);
        check(
            match !== null,
            'gpu_chain_names',
            `certificate of "${subjectName.slice(0, 80)}" in place ${i + 1} of the chain`,
        );
        return match[1];
    });
    const chip = chips[0]!;
    check(
        chips.slice(0, -1).every((other) => other === chip),
        'gpu_chain_names',
        'the certificates of the chain name different chips',
    );
    chain.forEach(({ issuer }, i) => {
        const next = chain[i + 1] ?? chain[i]!;
        check(issuer.equals(next.subject), 'gpu_chain_names', 'issuer is not the next certificate of the chain');
    });
    return chip;
}

function checkConstraints({ isCa, pathLength, keyUsage, subjectName }: DeviceCertificate, depth: number): void {
    const what = `certificate of "${subjectName}"`;
    if (depth === 0) {
        check(!isCa && pathLength === null, 'gpu_chain_constraints', `${what} claims to be an authority`);
        check(
            keyUsage.digitalSignature && !keyUsage.keyCertSign,
            'gpu_chain_constraints',
            `${what} may not sign reports`,
        );
        return;
    }
    check(isCa && keyUsage.keyCertSign, 'gpu_chain_constraints', `${what} is not an authority`);
    check(pathLength === null || pathLength >= depth - 1, 'gpu_chain_constraints', `${what} allows no such long path`);
}

/** ECDSA P-384 with SHA-384, signature in DER as certificates carry it or as r | s. */
export function isSigned(
    { spki }: DeviceCertificate,
    data: Buffer,
    signature: Buffer,
    dsaEncoding: 'der' | 'ieee-p1363',
): boolean {
    const key = importKey(spki);
    return key !== null && verify('sha384', data, { key, dsaEncoding }, signature);
}

/** Null where the point is not on the curve. */
function importKey(spki: Buffer): KeyObject | null {
    try {
        return createPublicKey({ key: spki, format: 'der', type: 'spki' });
    } catch {
        return null;
    }
}
