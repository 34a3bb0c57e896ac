import { createHmac, hkdfSync } from 'node:crypto';
import type { IdempotencyMark } from '../../ledger';
import { GatewayError } from '../errors';

/** What a caller asks under a key. */
export interface KeyedQuestion {
    /** The value of the header Idempotency-Key. */
    key: string;
    /** Who asks: keys of one caller mean nothing to another. */
    caller: string;
    path: string;
    body: Buffer;
    /**
     * Whether `caller` is a secret that stands nowhere on this machine, so that the answer may be kept on its disk, sealed
     * under it.
     */
    callerIsSecret: boolean;
}

/**
 * Hashes keys and questions under a secret of this gateway. They go to its ledger, and a plain hash of a prompt would
 * let whoever reads the disk confirm a guess at it.
 */
export class IdempotencyKeys {
    private readonly secret: Buffer;

    constructor(sessionSeed: Buffer) {
        this.secret = Buffer.from(hkdfSync('sha256', sessionSeed, '', 'cocoon idempotency keys', 32));
    }

    /** @throws GatewayError when the key is none */
    markOf({ key, caller, path, body }: KeyedQuestion): IdempotencyMark {
        if (!/^[\x21-\x7e]{1,255}$/.test(key))
            throw new GatewayError(
                'invalid_request',
                'Idempotency-Key must be 1 to 255 printable characters, no spaces',
                {
                    param: 'Idempotency-Key',
                },
            );
        return { keyHash: this.hash('key', caller, key), fingerprint: this.hash('question', path, body) };
    }

    /**
     * What an answer is sealed under: made of all that the caller brings, the API key above all. Only who asks the same
     * question again has it; this gateway's secret alone, and so its disk, opens nothing.
     */
    answerKeyOf({ key, caller, path, body }: KeyedQuestion): Buffer {
        return this.hash('answer', caller, key, path, body);
    }

    /** Every part behind its length, so that no two lists of parts read the same. */
    private hash(...parts: (string | Buffer)[]): Buffer {
        const hmac = createHmac('sha256', this.secret);
        for (const part of parts) {
            const bytes = Buffer.from(part);
            const length = Buffer.alloc(4);
            length.writeUInt32BE(bytes.length);
            hmac.update(length).update(bytes);
        }
        return hmac.digest();
    }
}
