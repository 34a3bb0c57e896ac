import { randomBytes } from 'node:crypto';
import { generateSecp256k1Signer, generateSigner, type Signer, signerFromSecp256k1Key } from '../confidential';
import type { NodeConfig } from '../config';
import { DstackAgent } from './dstack-agent';

/**
 * One key for one boot, wherever it comes from: nothing that it signed can be signed again after a restart, or a node that
 * counts its receipts from one again would contradict itself and be slashed. So a derived key has a path of its own, too.
 */
export async function openSigningKey(signing: NodeConfig['signing']): Promise<Signer> {
    if (signing.kind === 'generated') {
        return signing.suite === 'secp256k1' ? generateSecp256k1Signer() : generateSigner();
    }
    const agent = new DstackAgent({ socketPath: signing.socketPath });
    const key = await agent.getKey(`${signing.path}/${randomBytes(16).toString('hex')}`);
    const signer = signerFromSecp256k1Key(key);
    key.fill(0);
    return signer;
}
