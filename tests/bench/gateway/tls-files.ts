import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mintCertificate, toPem } from '../../../keepers/attestation/mint/certificates';
import { SigningKey } from '../../../keepers/attestation/mint/signing-key';

const dayMs = 86_400_000;
const folderVariable = 'BENCH_TLS_FOLDER';

/** Made once for a run by the bench's main process; the others find it by their environment. */
function folder(): string {
    const made = process.env[folderVariable];
    if (made !== undefined) return made;
    const fresh = mkdtempSync(path.join(tmpdir(), 'cocoon-bench-tls-'));
    process.once('exit', () => rmSync(fresh, { recursive: true, force: true }));
    const { certificate, key } = selfSigned();
    writeFileSync(path.join(fresh, 'certificate.txt'), certificate);
    writeFileSync(path.join(fresh, 'key.txt'), key, { mode: 0o600 });
    process.env[folderVariable] = fresh;
    return fresh;
}

/** A certificate of localhost that the bench's own processes trust, by NODE_EXTRA_CA_CERTS, and nobody else. */
export function certificateFile(): string {
    return path.join(folder(), 'certificate.txt');
}

export function readTls(): { certificate: Buffer; key: Buffer } {
    return { certificate: readFileSync(certificateFile()), key: readFileSync(path.join(folder(), 'key.txt')) };
}

function selfSigned(): { certificate: string; key: string } {
    const key = new SigningKey(randomBytes(32), 'bench');
    const secret = (key as unknown as { secret: bigint }).secret.toString(16).padStart(64, '0');
    const point = (from: number) => key.publicKey.subarray(from, from + 32).toString('base64url');
    const d = Buffer.from(secret, 'hex').toString('base64url');
    const jwk = { kty: 'EC', crv: 'P-256', x: point(1), y: point(33), d };
    const certificate = mintCertificate({
        serial: Buffer.from([1]),
        subject: 'localhost',
        issuer: 'localhost',
        notBefore: new Date(Date.now() - dayMs),
        notAfter: new Date(Date.now() + dayMs),
        key,
        issuerKey: key,
        pathLength: null,
        crlUrl: 'http://localhost/none',
    });
    const pem = createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' });
    return { certificate: toPem([certificate]), key: pem as string };
}
