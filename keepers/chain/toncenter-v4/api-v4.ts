import { type Address, Cell, parseTuple, serializeTuple, type Transaction, type TupleItem } from '@ton/core';
import type { z } from 'zod';
import type {
    AccountReading,
    ApiRequest,
    EndpointApi,
    GlobalVersion,
    Head,
    MethodCall,
    MethodReading,
    PageQuery,
    TransactionId,
} from '../endpoints/endpoint-api';
import { globalVersionOf } from '../endpoints/global-version';
import { decodeAnswer, parseAnswer } from '../endpoints/parse-answer';
import { hashOf, verifiedPage } from '../endpoints/verified-page';
import { ChainError } from '../errors';
import {
    accountAnswer,
    blockAnswer,
    configAnswer,
    latestBlock,
    liteAnswer,
    methodAnswer,
    sendAnswer,
    transactionsAnswer,
} from './answers';

/** The HTTP API that TonClient4 speaks: every read is at a block, so a read of now asks for the newest block first. */
export class ToncenterV4 implements EndpointApi {
    constructor(private readonly request: ApiRequest) {}

    async head(): Promise<Head> {
        return this.clock();
    }

    async clock(): Promise<{ seqno: number; timeSec: number }> {
        const { last, now } = await this.get('latest', latestBlock, '/block/latest');
        return { seqno: last.seqno, timeSec: now };
    }

    async blockRootHash(seqno: number): Promise<Buffer> {
        const answer = await this.get('block', blockAnswer, `/block/${seqno}`);
        const shards = answer.exist ? answer.block.shards : [];
        const block = shards.find(({ workchain, seqno: number }) => workchain === -1 && number === seqno);
        if (block !== undefined) return block.rootHash;
        throw new ChainError('rpc_unavailable', `The endpoint does not have the masterchain block ${seqno}`);
    }

    async account(address: Address, seqno?: number): Promise<AccountReading> {
        const at = await this.blockOf(seqno);
        const { account, block } = await this.get('account', accountAnswer, `/block/${at.seqno}/${path(address)}`);
        const { state, balance, last } = account;
        const active = state.type === 'active';
        return {
            balanceNano: balance.coins,
            status: state.type === 'uninit' ? 'uninitialized' : state.type,
            code: active ? state.code : null,
            data: active ? state.data : null,
            lastTransaction: last,
            seqno: block.seqno,
            timeSec: at.timeSec,
        };
    }

    async runMethod({ address, name, args }: MethodCall, seqno?: number): Promise<MethodReading> {
        const at = await this.blockOf(seqno);
        const tail = args.length === 0 ? '' : `/${urlSafe(serializeTuple(args).toBoc({ idx: false, crc32: false }))}`;
        const url = `/block/${at.seqno}/${path(address)}/run/${encodeURIComponent(name)}${tail}`;
        const { exitCode, resultRaw, block } = await this.get('run', methodAnswer, url);
        const stack = resultRaw === null ? [] : decodeAnswer('run', () => parseTuple(Cell.fromBase64(resultRaw)));
        return { exitCode, stack: stack.map(normal), seqno: block.seqno };
    }

    async transactions(address: Address, query: PageQuery): Promise<Transaction[]> {
        const found: Transaction[] = [];
        let from = query.before ?? query.from ?? (await this.lastTransaction(address));
        let asked: Omit<PageQuery, 'limit'> = query;
        while (from !== null && found.length < query.limit) {
            const { before, from: first } = asked;
            const page = await this.page(address, from, { before, from: first, limit: query.limit - found.length });
            found.push(...page);
            const oldest = page.at(-1);
            from = oldest === undefined ? null : predecessor(oldest);
            asked = {};
        }
        return found;
    }

    async globalVersion(): Promise<GlobalVersion> {
        const { seqno } = await this.head();
        const { config } = await this.get('config', configAnswer, `/block/${seqno}/config/8`);
        return decodeAnswer('config', () => globalVersionOf(Cell.fromBase64(config.cell)));
    }

    async send(boc: Buffer): Promise<void> {
        const answer = await this.request({ method: 'send', path: '/send', body: { boc: boc.toString('base64') } });
        parseAnswer(sendAnswer, answer, 'send');
    }

    private async page(address: Address, from: TransactionId, query: PageQuery): Promise<Transaction[]> {
        const url = `/account/${path(address)}/tx/${from.lt}/${urlSafe(from.hash)}`;
        const { boc } = await this.get('tx', transactionsAnswer, url);
        const cells = decodeAnswer('tx', () => (boc === '' ? [] : Cell.fromBoc(Buffer.from(boc, 'base64'))));
        if (cells[0] !== undefined && !cells[0].hash().equals(from.hash)) {
            throw new ChainError('rpc_inconsistent', 'The endpoint answered tx with another transaction');
        }
        return verifiedPage({ method: 'tx', address, cells, query });
    }

    private async lastTransaction(address: Address): Promise<TransactionId | null> {
        const { seqno } = await this.head();
        const { account } = await this.get('lite', liteAnswer, `/block/${seqno}/${path(address)}/lite`);
        return account.last;
    }

    private async blockOf(seqno: number | undefined): Promise<Head> {
        return seqno === undefined ? this.head() : { seqno, timeSec: null };
    }

    private async get<Schema extends z.ZodType>(
        method: string,
        schema: Schema,
        url: string,
    ): Promise<z.output<Schema>> {
        return parseAnswer(schema, await this.request({ method, path: url }), method);
    }
}

function path(address: Address): string {
    return address.toString({ urlSafe: true });
}

function urlSafe(bytes: Buffer): string {
    return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function predecessor(transaction: Transaction): TransactionId | null {
    if (transaction.prevTransactionLt === 0n) return null;
    return { lt: transaction.prevTransactionLt, hash: hashOf(transaction.prevTransactionHash) };
}

/** The other API can't tell an empty tuple from null. */
function normal(item: TupleItem): TupleItem {
    if (item.type !== 'tuple') return item;
    return item.items.length === 0 ? { type: 'null' } : { type: 'tuple', items: item.items.map(normal) };
}
