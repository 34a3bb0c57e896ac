import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { mnemonicToPrivateKey, mnemonicValidate } from '@ton/crypto';
import type { Cell } from '@ton/core';
import { ChainError } from '../errors';

export interface WalletKey {
    publicKey: Buffer;
    /** Ed25519 over the hash of a cell, as wallets want it. */
    signCell(cell: Cell): Promise<Buffer>;
}

const pkcs8Ed25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** From a 32-byte Ed25519 seed. The private key stays inside node:crypto. */
export function walletKeyFromSeed(seed: Buffer): WalletKey {
    if (seed.length !== 32) throw new ChainError('wallet_invalid', 'A wallet seed has 32 bytes');
    const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Ed25519, seed]), format: 'der', type: 'pkcs8' });
    return {
        publicKey: rawPublicKey(privateKey),
        signCell: async (cell) => sign(null, cell.hash(), privateKey),
    };
}

function rawPublicKey(privateKey: KeyObject): Buffer {
    return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
}

/** From the 24 words of a TON wallet. */
export async function walletKeyFromMnemonic(words: readonly string[]): Promise<WalletKey> {
    const list = [...words];
    if (list.length !== 24 || !(await mnemonicValidate(list))) {
        throw new ChainError('wallet_invalid', 'These are not the 24 words of a TON wallet');
    }
    const { secretKey } = await mnemonicToPrivateKey(list);
    return walletKeyFromSeed(secretKey.subarray(0, 32));
}

/** The text of a wallet file: 24 words, or a seed of 32 bytes in hex. */
export async function parseWalletKey(text: string): Promise<WalletKey> {
    const trimmed = text.trim();
    if (/^[0-9a-f]{64}$/i.test(trimmed)) return walletKeyFromSeed(Buffer.from(trimmed, 'hex'));
    return walletKeyFromMnemonic(trimmed.toLowerCase().split(/\s+/));
}
