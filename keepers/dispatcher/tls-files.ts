import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { errorMessage, type Logger } from '../base';
import { ConfigError, readOwnersFile } from '../config';

/** PEM. */
export interface TlsPair {
    certificate: Buffer;
    key: Buffer;
}

export interface TlsFilesOptions {
    certificateFile: string;
    /** For its owner's eyes alone. */
    keyFile: string;
    logger: Logger;
    intervalMs?: number;
}

/** @throws ConfigError where a file can't be read, others may read the key, or the two do not belong together */
export function readTlsPair({
    certificateFile,
    keyFile,
}: Pick<TlsFilesOptions, 'certificateFile' | 'keyFile'>): TlsPair {
    const key = Buffer.from(readOwnersFile(keyFile));
    try {
        const certificate = readFileSync(certificateFile);
        createSecureContext({ cert: certificate, key });
        return { certificate, key };
    } catch (error) {
        throw new ConfigError('config_invalid', `tls: ${certificateFile}, ${keyFile}: ${errorMessage(error)}`, error);
    }
}

/** When the certificate that stands first in the file ends. */
export function notAfterSecOf({ certificate }: TlsPair): number {
    return Math.floor(Date.parse(new X509Certificate(certificate).validTo) / 1000);
}

/**
 * A certificate lives for months, a dispatcher for years: what renews it puts new files in their place, and they are taken
 * up here. Connections that are up stay as they are. Files that do not belong together (one is new, the other not yet)
 * change nothing.
 */
export class TlsFiles {
    private pair: TlsPair;
    private timer: NodeJS.Timeout | undefined;
    private problem: string | null = null;

    /** @throws ConfigError: a dispatcher must not start without what it was told to use */
    constructor(private readonly options: TlsFilesOptions) {
        this.pair = readTlsPair(options);
    }

    get current(): TlsPair {
        return this.pair;
    }

    start(apply: (pair: TlsPair) => void): void {
        this.timer ??= setInterval(() => this.check(apply), this.options.intervalMs ?? 10_000);
    }

    stop(): void {
        clearInterval(this.timer);
    }

    check(apply: (pair: TlsPair) => void): void {
        const { logger } = this.options;
        try {
            const pair = readTlsPair(this.options);
            this.problem = null;
            if (pair.certificate.equals(this.pair.certificate) && pair.key.equals(this.pair.key)) return;
            apply(pair);
            this.pair = pair;
            logger.info(
                { notAfter: new Date(notAfterSecOf(pair) * 1000).toISOString() },
                'the TLS certificate is renewed',
            );
        } catch (error) {
            const problem = errorMessage(error);
            if (problem !== this.problem)
                logger.error({ problem }, 'the TLS files are not usable: the certificate in use stays');
            this.problem = problem;
        }
    }
}
