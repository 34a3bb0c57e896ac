import { type Cell, type CommonMessageInfo, type Message, beginCell, loadMessage, storeStateInit } from '@ton/core';
import { addressOf, messageCells, parseRecord, type TransactionRecord } from '../core/transaction-record';

/** Transactions in toncenter's JSON: amounts and logical times as text, hashes in base64. */

type Rendered = Readonly<Record<string, unknown>>;

const kept = new Map<string, Rendered>();
const maxKept = 500;

/** Whoever follows an account asks for its last transactions again and again. */
export function renderTransaction(record: TransactionRecord): Rendered {
    const known = kept.get(record.hash);
    if (known !== undefined) return known;
    const rendered = renderAfresh(record);
    kept.set(record.hash, rendered);
    if (kept.size > maxKept) kept.delete(kept.keys().next().value!);
    return rendered;
}

function renderAfresh(record: TransactionRecord): Rendered {
    const transaction = parseRecord(record);
    const { description } = transaction;
    const messages = messageCells(transaction.raw);
    const storageFee = 'storagePhase' in description ? (description.storagePhase?.storageFeesCollected ?? 0n) : 0n;
    const fee = transaction.totalFees.coins;
    return {
        '@type': 'raw.transaction',
        address: { '@type': 'accountAddress', account_address: addressOf(record).toString() },
        utime: transaction.now,
        data: record.boc,
        transaction_id: {
            '@type': 'internal.transactionId',
            lt: record.lt.toString(),
            hash: Buffer.from(record.hash, 'hex').toString('base64'),
        },
        fee: fee.toString(),
        storage_fee: storageFee.toString(),
        other_fee: (fee - storageFee).toString(),
        ...(messages.in ? { in_msg: renderMessage(messages.in) } : {}),
        out_msgs: messages.out.map(renderMessage),
    };
}

function renderMessage(cell: Cell): Record<string, unknown> {
    const message = loadMessage(cell.beginParse());
    const { info, body } = message;
    const text = readComment(body);
    return {
        '@type': 'raw.message',
        hash: cell.hash().toString('base64'),
        source: info.src?.toString() ?? '',
        destination: info.dest?.toString() ?? '',
        ...renderValue(info),
        body_hash: body.hash().toString('base64'),
        msg_data: text === undefined ? rawData(message) : textData(text),
        message: text ?? body.toBoc().toString('base64'),
    };
}

function renderValue(info: CommonMessageInfo): Record<string, unknown> {
    const internal = info.type === 'internal' ? info : undefined;
    const other = internal?.value.other;
    return {
        value: (internal?.value.coins ?? 0n).toString(),
        extra_currencies: (other ? [...other] : []).map(([id, amount]) => ({
            '@type': 'extraCurrency',
            id,
            amount: amount.toString(),
        })),
        fwd_fee: (internal?.forwardFee ?? 0n).toString(),
        ihr_fee: (internal?.ihrFee ?? 0n).toString(),
        created_lt: (info.type === 'external-in' ? 0n : info.createdLt).toString(),
    };
}

function rawData(message: Message): Record<string, unknown> {
    const init = message.init ? beginCell().store(storeStateInit(message.init)).endCell() : undefined;
    return {
        '@type': 'msg.dataRaw',
        body: message.body.toBoc().toString('base64'),
        init_state: init?.toBoc().toString('base64') ?? '',
    };
}

function textData(text: string): Record<string, unknown> {
    return { '@type': 'msg.dataText', text: Buffer.from(text).toString('base64') };
}

/** A text comment: 32 zero bits, then UTF-8 over a chain of cells. */
function readComment(body: Cell): string | undefined {
    const slice = body.beginParse();
    if (slice.remainingBits < 32 || slice.loadUint(32) !== 0) return undefined;
    try {
        return slice.loadStringTail();
    } catch {
        return undefined;
    }
}
