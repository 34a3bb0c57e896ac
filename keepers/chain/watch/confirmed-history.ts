import type { Address, Transaction } from '@ton/core';
import { ChainError } from '../errors';
import type { CallLimits, Endpoint } from '../endpoints/endpoint';
import { isEndpointFault } from '../endpoints/endpoint-health';
import type { EndpointPool } from '../endpoints/endpoint-pool';
import type { Cursor } from './cursor';
import { type HistoryOptions, historySince } from './history';

export interface ConfirmedOptions extends HistoryOptions {
    cursor: Cursor;
    /** Masterchain blocks that must follow the one at which a transaction was first seen. */
    confirmations: number;
    /** Where each transaction was first seen, by hash; kept by the caller between polls. */
    firstSeen: Map<string, number>;
    signal?: AbortSignal;
}

/**
 * What has happened to an account after the cursor, oldest first, as endpoints of two operators have it (of one, where
 * there is no other), and deep enough. An endpoint with a hole is passed over for another; the rest waits.
 * @throws ChainError `history_gap` when no endpoint links its history to the cursor, `rpc_disagreement` when two link
 * different ones
 */
export async function confirmedHistory(
    pool: EndpointPool,
    account: Address,
    options: ConfirmedOptions,
): Promise<Transaction[]> {
    const { confirmations, firstSeen } = options;
    const wanted = Math.min(2, pool.operators);
    const told = await askFor(wanted, { pool, account, options });
    const common = commonStart(told.map(({ history }) => history));
    const headSeqno = Math.min(...told.map(({ headSeqno: seqno }) => seqno));
    const deep: Transaction[] = [];
    for (const transaction of common) {
        const id = transaction.hash().toString('hex');
        // A head that is lower by now was too high then: with that number it would never be deep enough.
        const seenAt = Math.min(firstSeen.get(id) ?? headSeqno, headSeqno);
        firstSeen.set(id, seenAt);
        if (headSeqno < seenAt + confirmations) break;
        deep.push(transaction);
    }
    return deep;
}

interface Told {
    endpoint: Endpoint;
    history: Transaction[];
    headSeqno: number;
}

interface Question {
    pool: EndpointPool;
    account: Address;
    options: ConfirmedOptions;
}

async function askFor(wanted: number, question: Question): Promise<Told[]> {
    const { pool, options } = question;
    const limits = pool.limits({ signal: options.signal });
    const told: Told[] = [];
    const failures: ChainError[] = [];
    for (const endpoint of pool.independent()) {
        if (told.length === wanted) break;
        try {
            told.push(await askOne(endpoint, question, limits));
        } catch (error) {
            if (!(error instanceof ChainError) || (!isEndpointFault(error) && !isGap(error))) throw error;
            failures.push(error);
        }
    }
    if (told.length === wanted) return told;
    throw failures.find(isGap) ?? failures[0] ?? new ChainError('agreement_unavailable', 'No endpoint could be asked');
}

async function askOne(endpoint: Endpoint, { account, options }: Question, limits: CallLimits): Promise<Told> {
    const head = await endpoint.call(
        'head',
        async (api) => {
            const seen = await api.head();
            endpoint.health.sawHead(seen.seqno, seen.timeSec);
            return seen;
        },
        limits,
    );
    try {
        const history = await historySince(
            (query) => endpoint.call('transactions', (api) => api.transactions(account, query), limits),
            account,
            options,
        );
        return { endpoint, history, headSeqno: head.seqno };
    } catch (error) {
        if (isGap(error)) endpoint.health.distrust();
        throw error;
    }
}

/** Each is linked by hash to the cursor: what differs at one place differs from there on, and one of them is not the chain's. */
function commonStart(histories: readonly Transaction[][]): Transaction[] {
    const [first = [], second = first] = histories;
    const length = Math.min(first.length, second.length);
    for (let i = 0; i < length; i++) {
        if (first[i]!.hash().equals(second[i]!.hash())) continue;
        throw new ChainError(
            'rpc_disagreement',
            `Endpoints have different transactions after ${first[i]!.prevTransactionLt}`,
        );
    }
    return first.slice(0, length);
}

function isGap(error: unknown): boolean {
    return error instanceof ChainError && error.code === 'history_gap';
}
