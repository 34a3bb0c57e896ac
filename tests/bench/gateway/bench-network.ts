import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signerFromSeed } from '../../../keepers/confidential';
import type { EscrowAccount } from '../../../keepers/dispatch';
import type { EngineModel } from '../../../keepers/node/engine';
import { encodeKeyBundle } from '../../../wrappers';
import { benchModel } from './engine-events';

/** Keys and addresses that all processes of the bench derive alike: nothing is read from a chain. */
export const bytesOf = (name: string, length = 32) =>
    createHash('sha512').update(`bench ${name}`).digest().subarray(0, length);

export const network = bytesOf('network');
export const hub = bytesOf('hub');
export const escrow = bytesOf('escrow');
export const session = signerFromSeed(bytesOf('session'));
export const node = signerFromSeed(bytesOf('node'));

export const prices = {
    inputNano: 400_000_000n,
    cachedInputNano: 100_000_000n,
    outputNano: 1_600_000_000n,
    reasoningNano: 1_600_000_000n,
};
export const modelRoot = bytesOf('model root');
export const models: EngineModel[] = [{ id: benchModel, contextLength: 32_768, capabilities: ['chat.completions'] }];
/** More than any scenario has in flight: what is measured is relaying, not waiting. */
export const maxConcurrency = 4_096;

/** What the chain says of any escrow of the bench. */
export function accountOf(account: Buffer): EscrowAccount {
    return {
        escrow: account,
        epoch: 1,
        status: 'open',
        balanceNano: 1n << 80n,
        sessionKeys: [{ publicKey: session.publicKey, validUntilSec: Math.floor(Date.now() / 1000) + 86_400 }],
        paidNano: new Map(),
    };
}

export function keyBundle(): Buffer {
    return encodeKeyBundle({
        network,
        provider: bytesOf('provider'),
        role: 1,
        suite: 1,
        signingKey: node.publicKey,
        imageId: bytesOf('image'),
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: bytesOf('block'),
        notAfter: Math.floor(Date.now() / 1000) + 86_400,
    });
}

/** A folder for the ledgers, gone with the process. */
export function ledgerFolder(): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    return folder;
}
