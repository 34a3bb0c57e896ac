import type { EscrowAccount } from '../../../keepers/dispatch';

/** What the chain would say, by escrow: known to the bench alone, read by the book one by one. */
const sessionKeys = new Map<string, Buffer>();

export function openEscrow(escrow: Buffer, sessionKey: Buffer): void {
    sessionKeys.set(escrow.toString('latin1'), sessionKey);
}

export function accountOf(escrow: Buffer): EscrowAccount | null {
    const publicKey = sessionKeys.get(escrow.toString('latin1'));
    if (publicKey === undefined) return null;
    return {
        escrow,
        epoch: 1,
        status: 'open',
        balanceNano: 10n ** 12n,
        sessionKeys: [{ publicKey, validUntilSec: Date.now() / 1000 + 3_600 }],
        paidNano: new Map(),
    };
}
