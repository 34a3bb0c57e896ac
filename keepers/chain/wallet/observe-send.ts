import type { Transaction } from '@ton/core';
import type { SignedSend } from '../../base';
import type { ChainClient } from '../chain-client';
import type { AccountReading, TransactionId } from '../endpoints/endpoint-api';
import { searchHistory } from './account-history';
import { expiryMarginSec, type SendObservation, type SlotState } from './judge-send';
import type { WalletProtocol } from './wallet-protocol';

export interface SeenSend extends SendObservation {
    transaction: Transaction | null;
}

/** Of one state of the account: slot and time of different states prove nothing together. */
interface SeenAccount {
    slot: SlotState;
    isOver: boolean;
    last: TransactionId | null;
}

/**
 * What the chain shows of a request now: one state of the account, and its transactions where they are needed to tell.
 * @param agreed by the word of two operators' endpoints, where there are two
 */
export async function observeSend(
    client: ChainClient,
    of: { wallet: WalletProtocol; send: SignedSend; agreed: boolean },
): Promise<SeenSend> {
    const { wallet, send, agreed } = of;
    const { slot, isOver, last } = agreed
        ? await client.agree(async (view) => seenAccount(await view.account(wallet.address), wallet, send))
        : seenAccount(await client.readAccount(wallet.address), wallet, send);
    if (slot === 'free') return { slot, isOver, history: 'unread', transaction: null };
    const lastLt = last?.lt ?? 0n;
    if (last === null || lastLt <= send.sinceLt) {
        const isWhole = slot === 'unknown' && lastLt === send.sinceLt;
        return { slot, isOver, history: isWhole ? 'without' : 'lagging', transaction: null };
    }
    const { match, state } = await searchHistory(client, wallet.address, {
        sinceLt: send.sinceLt,
        last,
        matches: (transaction) => isSend(transaction, send),
    });
    return { slot, isOver, history: match ? 'match' : state === 'whole' ? 'without' : state, transaction: match };
}

function seenAccount(account: AccountReading, wallet: WalletProtocol, send: SignedSend): SeenAccount {
    const { timeSec, lastTransaction: last } = account;
    const isOver = timeSec !== null && timeSec > send.validUntilSec + expiryMarginSec;
    // A state from before the request was signed, whatever time it claims.
    if ((last?.lt ?? 0n) < send.sinceLt) return { slot: 'unknown', isOver: false, last };
    return { slot: wallet.slotState(account, send), isOver, last };
}

function isSend({ inMessage }: Transaction, send: SignedSend): boolean {
    return inMessage?.info.type === 'external-in' && inMessage.body.hash().equals(send.bodyHash);
}
