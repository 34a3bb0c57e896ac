import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TlsAuthority } from '../../support/tls-authority';

const folderVariable = 'BENCH_TLS_FOLDER';

/** Made once for a run by the bench's main process; the others find it by their environment. */
function folder(): string {
    const made = process.env[folderVariable];
    if (made !== undefined) return made;
    const fresh = mkdtempSync(path.join(tmpdir(), 'cocoon-bench-tls-'));
    process.once('exit', () => rmSync(fresh, { recursive: true, force: true }));
    const authority = new TlsAuthority();
    const { certificate, key } = authority.serverOf('localhost');
    writeFileSync(path.join(fresh, 'authority.txt'), authority.certificate);
    writeFileSync(path.join(fresh, 'certificate.txt'), certificate);
    writeFileSync(path.join(fresh, 'key.txt'), key, { mode: 0o600 });
    process.env[folderVariable] = fresh;
    return fresh;
}

/** Of an authority that the bench's own processes trust, by NODE_EXTRA_CA_CERTS, and nobody else. */
export function authorityFile(): string {
    return path.join(folder(), 'authority.txt');
}

export function readTls(): { certificate: Buffer; key: Buffer } {
    return {
        certificate: readFileSync(path.join(folder(), 'certificate.txt')),
        key: readFileSync(path.join(folder(), 'key.txt')),
    };
}
