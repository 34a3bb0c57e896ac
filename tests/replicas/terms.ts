import type { EscrowAccount } from '../../keepers/dispatch';
import { account, session } from '../keepers/dispatch/sealed-request';

export interface ReplicaArguments {
    id: string;
    port: number;
    database: { url: string; password?: string };
    balanceNano: string;
}

/** A token costs one nanoTON. */
export const prices = {
    inputNano: 1_000_000n,
    cachedInputNano: 1_000_000n,
    outputNano: 1_000_000n,
    reasoningNano: 1_000_000n,
};

export function accountWith(balanceNano: bigint): EscrowAccount {
    const key = { publicKey: session.publicKey, validUntilSec: Date.now() / 1000 + 3_600 };
    return account({ balanceNano, sessionKeys: [key] });
}
