import { WalletContractV5R1 } from '@ton/ton';
import type { SignedSend } from '../../base';
import type { AccountReading } from '../endpoints/endpoint-api';
import type { SlotState } from './judge-send';
import type { WalletKey } from './wallet-key';
import { externalBoc, sendMode, toMessage } from './wallet-message';
import type { KnownSlots, SignRequest, WalletProtocol } from './wallet-protocol';

/** A V5R1 wallet: requests are numbered and taken in order, so one is under way at a time. */
export class V5Protocol implements WalletProtocol {
    readonly kind = 'v5r1';
    readonly maxMessages = 255;
    readonly maxUnderWay = 1;
    private readonly wallet: WalletContractV5R1;

    /** @param networkGlobalId part of the address: -239 mainnet (also on devnets), -3 testnet */
    constructor(
        private readonly key: WalletKey,
        networkGlobalId: number,
    ) {
        this.wallet = WalletContractV5R1.create({ publicKey: key.publicKey, walletId: { networkGlobalId } });
    }

    get address() {
        return this.wallet.address;
    }

    marginNano(messages: number): bigint {
        return 20_000_000n * BigInt(messages);
    }

    /** An endpoint that lags would have us sign for a number that is taken already. */
    nextSlot(account: AccountReading, { lastTaken }: KnownSlots): bigint {
        const seqno = seqnoOf(account) ?? 0n;
        return lastTaken !== null && lastTaken >= seqno ? lastTaken + 1n : seqno;
    }

    slotState(account: AccountReading, send: SignedSend): SlotState {
        if (account.status === 'uninitialized') return account.lastTransaction === null ? 'free' : 'unknown';
        const seqno = seqnoOf(account);
        if (seqno === null) return 'unknown';
        return seqno > send.slot ? 'taken' : 'free';
    }

    async sign({ slot, validUntilSec, messages, deploy }: SignRequest) {
        const body = await this.wallet.createTransfer({
            seqno: Number(slot),
            timeout: validUntilSec,
            sendMode,
            messages: messages.map(toMessage),
            signer: (cell) => this.key.signCell(cell),
        });
        return { body, boc: externalBoc(this.address, deploy ? this.wallet.init : null, body) };
    }
}

/** storage: is_signature_allowed:Bool seqno:uint32 wallet_id:int32 public_key:bits256 extensions:(HashmapE 256 int1) */
function seqnoOf({ data, status }: AccountReading): bigint | null {
    if (data === null || status !== 'active') return null;
    return data.beginParse().skip(1).loadUintBig(32);
}
