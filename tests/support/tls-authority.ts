import { createPrivateKey, randomBytes } from 'node:crypto';
import { mintCertificate, toPem } from '../../keepers/attestation/mint/certificates';
import { SigningKey } from '../../keepers/attestation/mint/signing-key';

const dayMs = 86_400_000;

/** An authority that nobody knows, and what it issues for a host name. */
export class TlsAuthority {
    private readonly key = new SigningKey(randomBytes(32), 'authority');
    private serial = 1;
    /** PEM, as NODE_EXTRA_CA_CERTS takes it. */
    readonly certificate = toPem([this.issue('Test authority', { key: this.key, pathLength: 1, days: 90 })]);

    serverOf(hostname: string, days = 30): { certificate: Buffer; key: Buffer } {
        const key = new SigningKey(randomBytes(32), hostname);
        const certificate = this.issue(hostname, { key, pathLength: null, days });
        return { certificate: Buffer.from(toPem([certificate])), key: Buffer.from(pemOf(key)) };
    }

    private issue(
        subject: string,
        { key, pathLength, days }: { key: SigningKey; pathLength: number | null; days: number },
    ): Buffer {
        return mintCertificate({
            serial: Buffer.from([this.serial++]),
            subject,
            issuer: 'Test authority',
            notBefore: new Date(Date.now() - dayMs),
            notAfter: new Date(Date.now() + days * dayMs),
            key,
            issuerKey: this.key,
            pathLength,
            crlUrl: 'http://localhost/none',
        });
    }
}

function pemOf(key: SigningKey): string {
    const secret = (key as unknown as { secret: bigint }).secret.toString(16).padStart(64, '0');
    const point = (from: number) => key.publicKey.subarray(from, from + 32).toString('base64url');
    const d = Buffer.from(secret, 'hex').toString('base64url');
    const jwk = { kty: 'EC', crv: 'P-256', x: point(1), y: point(33), d };
    return createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' }) as string;
}
