import { createHash } from 'node:crypto';
import { type Signer, signerFromSeed } from '../../../keepers/confidential';
import { escrowCount } from './size';

export const network = digestOf('network');
export const hub = digestOf('hub');

export function digestOf(name: string): Buffer {
    return createHash('sha256').update(name).digest();
}

export const nodeSigner = (index: number): Signer => signerFromSeed(digestOf(`node ${index}`));
export const escrowAt = (index: number): Buffer => digestOf(`escrow ${index % escrowCount}`);
/** Every escrow has a session key of its own. */
export const sessionAt = (index: number): Signer => signerFromSeed(digestOf(`session ${index % escrowCount}`));
