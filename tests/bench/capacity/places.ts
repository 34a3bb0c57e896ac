import { createHash } from 'node:crypto';
import { type Signer, signerFromSeed } from '../../../keepers/confidential';

export const network = digestOf('network');
export const hub = digestOf('hub');

export function digestOf(name: string): Buffer {
    return createHash('sha256').update(name).digest();
}

export const nodeSigner = (index: number): Signer => signerFromSeed(digestOf(`node ${index}`));
export const escrowAt = (index: number): Buffer => digestOf(`escrow ${index}`);
/** Stands for a node where its signature isn't asked for. */
export const nodeKeyAt = (index: number): Buffer => digestOf(`node key ${index}`);
