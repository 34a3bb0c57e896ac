import { createHash } from 'node:crypto';
import { getBytes, Signature, SigningKey, Wallet } from 'ethers';
import { TestKey } from './ed25519';

export const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A key of suite 2 that every run makes alike from its name; signs like any Ethereum wallet. */
export function ethereumKey(name: string): TestKey & { signingKey: SigningKey } {
    const seed = createHash('sha256').update(`ethereum key ${name}`).digest('hex');
    const wallet = new Wallet('0x' + seed);
    return {
        publicKey: nodeKeyOf(wallet.address),
        signingKey: wallet.signingKey,
        sign: (digest) => Buffer.from(getBytes(Signature.from(wallet.signMessageSync(digest)).compactSerialized)),
    };
}

/** Twelve zero bytes before the address. */
function nodeKeyOf(address: string): Buffer {
    return Buffer.concat([Buffer.alloc(12), Buffer.from(getBytes(address))]);
}

/** r:256 y_parity:1 s:255, whatever the numbers. */
export function compactSignature(r: bigint, parity: number, s: bigint): Buffer {
    const hex = (value: bigint) => value.toString(16).padStart(64, '0');
    return Buffer.from(hex(r) + hex((BigInt(parity) << 255n) | s), 'hex');
}
