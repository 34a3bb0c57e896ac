import { Address, Cell, type Transaction } from '@ton/core';
import type {
    AccountReading,
    ApiRequest,
    EndpointApi,
    GlobalVersion,
    Head,
    MethodCall,
    MethodReading,
    PageQuery,
} from '../endpoints/endpoint-api';
import { readGlobalVersion } from '../endpoints/global-version';
import { decodeAnswer, parseAnswer } from '../endpoints/parse-answer';
import { verifiedPage } from '../endpoints/verified-page';
import { ChainError } from '../errors';
import { addressInformation, blockId, configInfo, masterchainInfo, runResult, transactionList } from './answers';
import { readStackV2, writeStackV2 } from './stack-v2';

const clockAccount = new Address(0, Buffer.alloc(32));
const masterchainShard = '-9223372036854775808';

/** toncenter's JSON-RPC, version 2. */
export class ToncenterV2 implements EndpointApi {
    constructor(private readonly request: ApiRequest) {}

    async head(): Promise<Head> {
        const answer = await this.call('getMasterchainInfo', {});
        return { seqno: parseAnswer(masterchainInfo, answer, 'getMasterchainInfo').last.seqno, timeSec: null };
    }

    /** Only answers about accounts carry the time: this one is empty and never busy. */
    async clock(): Promise<{ seqno: number; timeSec: number }> {
        const answer = await this.call('getAddressInformation', { address: clockAccount.toString() });
        const { block_id: block, sync_utime: timeSec } = parseAnswer(
            addressInformation,
            answer,
            'getAddressInformation',
        );
        return { seqno: block.seqno, timeSec };
    }

    async blockRootHash(seqno: number): Promise<Buffer> {
        const answer = await this.call('lookupBlock', { workchain: -1, shard: masterchainShard, seqno });
        const block = parseAnswer(blockId, answer, 'lookupBlock');
        if (block.seqno === seqno) return block.root_hash;
        throw new ChainError('rpc_inconsistent', 'The endpoint answered lookupBlock with another block');
    }

    async account(address: Address, seqno?: number): Promise<AccountReading> {
        const answer = await this.call('getAddressInformation', { address: address.toString(), ...at(seqno) });
        const info = parseAnswer(addressInformation, answer, 'getAddressInformation');
        const { lt, hash } = info.last_transaction_id;
        return {
            balanceNano: info.balance,
            status: info.state,
            code: info.code,
            data: info.data,
            lastTransaction: lt === 0n ? null : { lt, hash },
            seqno: info.block_id.seqno,
            timeSec: info.sync_utime,
        };
    }

    async runMethod({ address, name, args }: MethodCall, seqno?: number): Promise<MethodReading> {
        const params = { address: address.toString(), method: name, stack: writeStackV2(args), ...at(seqno) };
        const answer = await this.call('runGetMethod', params);
        const result = parseAnswer(runResult, answer, 'runGetMethod');
        const stack = decodeAnswer('runGetMethod', () => readStackV2(result.stack));
        return { exitCode: result.exit_code, stack, seqno: result.block_id?.seqno ?? null };
    }

    async transactions(address: Address, query: PageQuery): Promise<Transaction[]> {
        const method = 'getTransactions';
        const { before, from, limit } = query;
        const first = before ?? from;
        const start = first && { lt: first.lt.toString(), hash: first.hash.toString('hex') };
        const params = { address: address.toString(), limit: before ? limit + 1 : limit, ...start, archival: true };
        const list = parseAnswer(transactionList, await this.call(method, params), method);
        const cells = list.map(({ data }) => decodeAnswer(method, () => Cell.fromBase64(data)));
        if (cells.some((cell, index) => !cell.hash().equals(list[index]!.transaction_id.hash))) {
            throw new ChainError('rpc_inconsistent', 'The endpoint names a transaction by another hash than its own');
        }
        return verifiedPage({ method, address, cells, query });
    }

    async globalVersion(): Promise<GlobalVersion> {
        const method = 'getConfigParam';
        // Versions of toncenter differ in how they call the parameter.
        const { config } = parseAnswer(configInfo, await this.call(method, { config_id: 8, param: 8 }), method);
        return decodeAnswer(method, () => readGlobalVersion(Cell.fromBase64(config.bytes)));
    }

    async send(boc: Buffer): Promise<void> {
        await this.call('sendBoc', { boc: boc.toString('base64') });
    }

    private call(method: string, params: Record<string, unknown>): Promise<unknown> {
        return this.request({ method, body: { id: '1', jsonrpc: '2.0', method, params } });
    }
}

function at(seqno: number | undefined): { seqno?: number } {
    return seqno === undefined ? {} : { seqno };
}
