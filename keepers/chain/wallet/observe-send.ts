import type { Transaction } from '@ton/core';
import type { SignedSend } from '../../base';
import type { ChainClient } from '../chain-client';
import type { AccountReading, TransactionId } from '../endpoints/endpoint-api';
import { expiryMarginSec, type SendObservation, type SlotState, staleMarginSec } from './judge-send';
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
 * How much earlier than the chain's time at its signing a request's transaction may be dated: one endpoint alone may set
 * that time forward by half a minute, and shards are not on the second.
 */
const datedBackSec = 300;

/**
 * What the chain shows of a request now. As long as one endpoint says that nothing has happened it is asked alone. What
 * can decide is a state that endpoints of two operators agree on, and the transactions that follow from it by hash.
 * @param isLastLook an endpoint that says the same for ever is not to have the last word
 */
export async function observeSend(
    client: ChainClient,
    of: { wallet: WalletProtocol; send: SignedSend; isLastLook: boolean },
): Promise<SeenSend> {
    const { wallet, send, isLastLook } = of;
    const told = isLastLook ? null : seenAccount(await client.readAccount(wallet.address), wallet, send);
    if (told !== null && told.slot !== 'taken' && !told.isOver)
        return { ...told, history: 'unread', transaction: null };
    const { slot, isOver, last } = await client.agree(
        async (view) => seenAccount(await view.account(wallet.address), wallet, send),
        // A slot once taken stays so; that one is free after its time is asked twice even where there is one operator.
        { told: told?.slot === 'taken' ? told : undefined },
    );
    if (slot === 'free') return { slot, isOver, history: 'unread', transaction: null };
    if (last === null) return { slot, isOver, history: 'lagging', transaction: null };
    const { match, state } = await client.searchHistory(wallet.address, {
        last,
        matches: (transaction) => isSend(transaction, send),
        // `sinceLt` alone is what one endpoint said: a search that it ends too early would miss what was executed.
        isBefore: ({ lt, now }) => lt <= send.sinceLt && now < send.signedAtSec - datedBackSec,
    });
    return { slot, isOver, history: match ? 'match' : state === 'whole' ? 'without' : state, transaction: match };
}

function seenAccount(account: AccountReading, wallet: WalletProtocol, send: SignedSend): SeenAccount {
    const { timeSec, lastTransaction: last } = account;
    // From before the request was signed, whatever time it claims; or `sinceLt` was wrong.
    const isStale = (last?.lt ?? 0n) < send.sinceLt;
    const marginSec = isStale ? staleMarginSec : expiryMarginSec;
    const isOver = timeSec !== null && timeSec > send.validUntilSec + marginSec;
    return { slot: wallet.slotState(account, send), isOver, last };
}

function isSend({ inMessage }: Transaction, send: SignedSend): boolean {
    return inMessage?.info.type === 'external-in' && inMessage.body.hash().equals(send.bodyHash);
}
