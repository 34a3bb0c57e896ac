import {
    beginCell,
    type Cell,
    contractAddress,
    Dictionary,
    internal,
    type MessageRelaxed,
    type OutActionSendMsg,
    SendMode,
    storeMessageRelaxed,
    storeOutList,
} from '@ton/core';
import type { SignedSend } from '../../base';
import type { AccountReading } from '../endpoints/endpoint-api';
import { highloadCode } from './highload-code';
import type { SlotState } from './judge-send';
import type { WalletKey } from './wallet-key';
import { externalBoc, sendMode, toMessage } from './wallet-message';
import type { KnownSlots, SignRequest, WalletProtocol } from './wallet-protocol';

/** As the wallet's authors recommend it, so that no other kind of wallet of the key takes its requests. */
const subwalletId = 0x10ad;

/** Part of the address. A query is taken once in this time; it is also the longest that a request could live. */
const timeoutSec = 3_600;

/** A query's id: 13 bits of shift, and 10 bits of a bit's place from 0 to 1022. */
const bitsPerShift = 1_023n;
const slotCount = 8_191n * bitsPerShift;

/** The wallet's own list of actions holds 255, one of which calls the wallet for the next list. */
const actionsPerCall = 254;

/** What a call of the wallet to itself carries for its gas; the rest stays in the wallet. */
const selfCallNano = 50_000_000n;
const internalTransfer = 0xae42e5a4;

/**
 * A highload wallet v3: requests are told apart by query ids that it takes once, in any order, so many are under way at
 * once. Messages go out by a call of the wallet to itself.
 */
export class HighloadProtocol implements WalletProtocol {
    readonly kind = 'highload-v3';
    readonly maxMessages = 1_000;
    readonly maxUnderWay = 32;
    readonly address;
    private readonly init;

    constructor(private readonly key: WalletKey) {
        const data = beginCell().storeBuffer(key.publicKey).storeUint(subwalletId, 32);
        this.init = { code: highloadCode, data: data.storeUint(0, 66).storeUint(timeoutSec, 22).endCell() };
        this.address = contractAddress(0, this.init);
    }

    marginNano(messages: number): bigint {
        const calls = BigInt(Math.ceil(messages / (actionsPerCall - 1)));
        return 20_000_000n * BigInt(messages) + (selfCallNano + 20_000_000n) * calls;
    }

    /** Without a memory of earlier requests it begins where the clock says; a taken one is refused, and the next tried. */
    nextSlot(_account: AccountReading, { lastSigned, chainTimeSec }: KnownSlots): bigint {
        return lastSigned === null ? BigInt(chainTimeSec) % slotCount : (lastSigned + 1n) % slotCount;
    }

    /** The wallet remembers a query for `timeoutSec` after it took it, perhaps twice as long. */
    slotState(account: AccountReading, send: SignedSend): SlotState {
        if (account.status === 'uninitialized') return account.lastTransaction === null ? 'free' : 'unknown';
        if (account.data === null || account.status !== 'active') return 'unknown';
        if (isTaken(account.data, send.slot)) return 'taken';
        return account.timeSec !== null && account.timeSec < send.signedAtSec + timeoutSec ? 'free' : 'unknown';
    }

    async sign({ slot, validUntilSec, messages, deploy }: SignRequest) {
        const queryId = queryIdOf(slot);
        const actions = messages.map((message) => sendAction(toMessage(message)));
        const inner = beginCell()
            .storeUint(subwalletId, 32)
            .storeRef(beginCell().store(storeMessageRelaxed(this.selfCall(actions, queryId))))
            .storeUint(SendMode.PAY_GAS_SEPARATELY, 8)
            .storeUint(queryId, 23)
            // The wallet accepts what was made less than `timeoutSec` ago: dated back, it lives as long as we want.
            .storeUint(validUntilSec - timeoutSec + 1, 64)
            .storeUint(timeoutSec, 22)
            .endCell();
        const body = beginCell()
            .storeBuffer(await this.key.signCell(inner))
            .storeRef(inner)
            .endCell();
        return { body, boc: externalBoc(this.address, deploy ? this.init : null, body) };
    }

    private selfCall(actions: OutActionSendMsg[], queryId: number): MessageRelaxed {
        const list =
            actions.length <= actionsPerCall
                ? actions
                : [
                      ...actions.slice(0, actionsPerCall - 1),
                      sendAction(this.selfCall(actions.slice(actionsPerCall - 1), queryId)),
                  ];
        const body = beginCell()
            .storeUint(internalTransfer, 32)
            .storeUint(queryId, 64)
            .storeRef(beginCell().store(storeOutList(list)));
        return internal({ to: this.address, value: selfCallNano, bounce: true, body: body.endCell() });
    }
}

export function queryIdOf(slot: bigint): number {
    return Number((slot / bitsPerShift) * 1_024n + (slot % bitsPerShift));
}

function sendAction(outMsg: MessageRelaxed): OutActionSendMsg {
    return { type: 'sendMsg', mode: sendMode, outMsg };
}

/** storage: public_key:bits256 subwallet_id:uint32 old_queries, queries:(HashmapE 13 ^Cell) last_clean_time:uint64 timeout:uint22 */
function isTaken(data: Cell, slot: bigint): boolean {
    const slice = data.beginParse().skip(288);
    const shift = Number(slot / bitsPerShift);
    const place = Number(slot % bitsPerShift);
    return [0, 1].some(() => {
        const queries = slice.loadDict(Dictionary.Keys.Uint(13), Dictionary.Values.Cell());
        return queries.get(shift)?.beginParse().skip(place).loadBit() ?? false;
    });
}
