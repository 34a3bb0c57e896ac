import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { z } from 'zod';
import { ConfigError } from './errors';

/** 128 MiB and a third of a second for each guess; the same for each start of a role. */
const usualN = 2 ** 17;
const maxMemoryBytes = 1.5 * 1024 ** 3;
const minPassphraseLength = 8;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

const sealedSchema = z.strictObject({
    version: z.literal(1),
    kdf: z.strictObject({
        name: z.literal('scrypt'),
        /** Bounded, or a file could make its reader compute for hours. */
        n: z
            .int()
            .min(2 ** 14)
            .max(2 ** 20)
            .refine((n) => Number.isInteger(Math.log2(n)), 'must be a power of two'),
        r: z.literal(8),
        p: z.int().min(1).max(4),
        salt: hex(32),
    }),
    cipher: z.literal('aes-256-gcm'),
    nonce: hex(12),
    /** Ciphertext, then the tag of 16 bytes. */
    sealed: z
        .string()
        .regex(/^(?:[0-9a-f]{2})+$/)
        .min(34)
        .max(64 * 1024),
});

type Sealed = z.output<typeof sealedSchema>;

/** What an encrypted key file holds: `{"cocoonSealedKey":{…}}`. */
const fileSchema = z.strictObject({ cocoonSealedKey: sealedSchema });
const marker = '"cocoonSealedKey"';

/** Whether a file's text is that of an encrypted key; it may still be damaged. */
export function isSealed(text: string): boolean {
    return text.trimStart().startsWith('{') && text.includes(marker);
}

/**
 * A secret under a passphrase: scrypt (RFC 7914) gives the key, AES-256-GCM seals, and everything that the file says of how is authenticated
 * with it.
 * @throws ConfigError for a passphrase that is too short to be one
 */
export function sealSecret(text: string, passphrase: string, { n = usualN } = {}): string {
    if (passphrase.length < minPassphraseLength)
        throw new ConfigError('passphrase_missing', `a passphrase has ${minPassphraseLength} characters or more`);
    const kdf = { name: 'scrypt', n, r: 8, p: 1, salt: randomBytes(32).toString('hex') } as const;
    const nonce = randomBytes(12).toString('hex');
    const head = { version: 1, kdf, cipher: 'aes-256-gcm', nonce } as const;
    const key = keyOf(kdf, passphrase);
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(nonce, 'hex'));
    cipher.setAAD(aadOf(head));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    key.fill(0);
    return `${JSON.stringify({ cocoonSealedKey: { ...head, sealed: sealed.toString('hex') } }, null, 4)}\n`;
}

/** @throws ConfigError `passphrase_wrong` also where the file was changed: nothing can tell the two apart */
export function openSecret(text: string, { passphrase, file }: { passphrase: string; file: string }): string {
    const { sealed, ...head } = parse(text, file);
    const bytes = Buffer.from(sealed, 'hex');
    const key = keyOf(head.kdf, passphrase);
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(head.nonce, 'hex'));
    decipher.setAAD(aadOf(head));
    decipher.setAuthTag(bytes.subarray(-16));
    try {
        return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
    } catch (error) {
        throw new ConfigError('passphrase_wrong', `${file}: the passphrase is wrong, or the file was changed`, error);
    } finally {
        key.fill(0);
    }
}

function parse(text: string, file: string): Sealed {
    let json: unknown;
    try {
        json = JSON.parse(text);
    } catch (error) {
        throw new ConfigError('secret_invalid', `${file}: is cut off or no JSON: restore it from a copy`, error);
    }
    const parsed = fileSchema.safeParse(json);
    if (parsed.success) return parsed.data.cocoonSealedKey;
    throw new ConfigError('secret_invalid', `${file}: is no encrypted key of a form that this version knows`);
}

function keyOf({ n, r, p, salt }: Sealed['kdf'], passphrase: string): Buffer {
    const options = { N: n, r, p, maxmem: maxMemoryBytes };
    return scryptSync(passphrase.normalize('NFKC'), Buffer.from(salt, 'hex'), 32, options);
}

/** In a fixed order, whatever order the file has. */
function aadOf({ version, kdf, cipher, nonce }: Omit<Sealed, 'sealed'>): Buffer {
    return Buffer.from(JSON.stringify([version, kdf.name, kdf.n, kdf.r, kdf.p, kdf.salt, cipher, nonce]), 'utf8');
}
