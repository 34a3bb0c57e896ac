import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { WalletContractV5R1 } from '@ton/ton';
import { CocoonError } from '../../base';
import { signerFromSeed } from '../../confidential';
import { isSealed, keyPassphrase, openSecret, readOwnersFile, replaceFile, sealSecret } from '../../config';

export interface KeyFileFacts {
    file: string;
    encrypted: boolean;
    /** Ed25519, in hex: what set-session and create-provider take. */
    publicKey: string;
    /** Of the V5 wallet of this key on mainnet and on devnets. */
    wallet: string;
}

const mainnetGlobalId = -239;

/** Where the passphrase of a new encryption comes from. */
export type NewPassphrase = () => Promise<string>;

/** A fresh key, in clear or under a passphrase; never over a file that is there. @throws CocoonError */
export async function generateKeyFile(file: string, newPassphrase: NewPassphrase | null): Promise<KeyFileFacts> {
    if (existsSync(file)) throw unusable(`${file} is there already: a key that is overwritten is gone`);
    const seed = randomBytes(32).toString('hex');
    const text = newPassphrase === null ? `${seed}\n` : sealSecret(seed, await newPassphrase());
    replaceFile(file, text, { synced: true });
    return factsOf(file, seed, newPassphrase !== null);
}

/** What of a key file may be known. Whatever secret it holds, it must be a seed for this. @throws CocoonError */
export async function showKeyFile(file: string): Promise<KeyFileFacts> {
    const text = readOwnersFile(file);
    return factsOf(file, plainOf(file, text), isSealed(text));
}

/** Puts a file under a passphrase, in one step: a crash leaves the old file or the new one. @throws CocoonError */
export async function encryptKeyFile(file: string, newPassphrase: NewPassphrase): Promise<void> {
    const text = readOwnersFile(file);
    if (isSealed(text)) throw unusable(`${file} is encrypted already: reencrypt gives it another passphrase`);
    await replaceSealed(file, text.trim(), await newPassphrase());
}

/** Another passphrase; the key is never in clear on the disk. @throws CocoonError */
export async function reencryptKeyFile(file: string, newPassphrase: NewPassphrase): Promise<void> {
    const text = readOwnersFile(file);
    if (!isSealed(text)) throw unusable(`${file} is not encrypted: encrypt does that`);
    await replaceSealed(file, plainOf(file, text), await newPassphrase());
}

/** Back to a file in clear, for its owner only. @throws CocoonError */
export function decryptKeyFile(file: string): void {
    const text = readOwnersFile(file);
    if (!isSealed(text)) throw unusable(`${file} is not encrypted`);
    replaceFile(file, `${plainOf(file, text)}\n`, { synced: true });
}

/** Read back before it replaces the only copy of a key. */
async function replaceSealed(file: string, plain: string, passphrase: string): Promise<void> {
    const sealed = sealSecret(plain, passphrase);
    if (openSecret(sealed, { passphrase, file }) !== plain) throw unusable(`${file} could not be encrypted`);
    replaceFile(file, sealed, { synced: true });
}

function plainOf(file: string, text: string): string {
    return isSealed(text) ? openSecret(text, { passphrase: keyPassphrase(file), file }).trim() : text.trim();
}

function factsOf(file: string, text: string, encrypted: boolean): KeyFileFacts {
    if (!/^[0-9a-f]{64}$/i.test(text)) throw unusable(`${file} holds a secret, but no seed of 32 bytes in hex`);
    const seed = Buffer.from(text, 'hex');
    const publicKey = signerFromSeed(seed).publicKey;
    const { address } = WalletContractV5R1.create({ publicKey, walletId: { networkGlobalId: mainnetGlobalId } });
    return { file, encrypted, publicKey: publicKey.toString('hex'), wallet: address.toString() };
}

function unusable(message: string): CocoonError {
    return new CocoonError('key_file_unusable', message, { action: 'fix' });
}
