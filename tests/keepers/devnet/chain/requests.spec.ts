import { Address, beginCell, Cell, external, storeMessage, toNano } from '@ton/core';
import { request as httpRequest } from 'node:http';
import type { RunningDevnetChain } from '../../../../keepers/devnet/chain';
import { type Answer, get, post, resultOf, rpc, startTestChain } from './chain-environment';

let chain: RunningDevnetChain;

beforeAll(async () => {
    chain = await startTestChain({ bodyLimitBytes: 100_000 });
});

afterAll(() => chain.close());

const address = `0:${'ab'.repeat(32)}`;
const hash = 'cd'.repeat(32);

function boc(cell: Cell): string {
    return cell.toBoc().toString('base64');
}

function externalTo(to: Address, body = Cell.EMPTY): string {
    return boc(
        beginCell()
            .store(storeMessage(external({ to, body })))
            .endCell(),
    );
}

describe('malformed requests', () => {
    const refusals: [string, string, unknown, number, string][] = [
        ['an unknown method', 'mintMoney', {}, 422, 'unknown_method'],
        ['a method of every object', 'constructor', {}, 422, 'unknown_method'],
        ['no address', 'getAddressInformation', {}, 422, 'malformed_request'],
        ['an address that is none', 'getAddressInformation', { address: 'EQnonsense' }, 416, 'incorrect_address'],
        [
            'an address with a wrong checksum',
            'getAddressBalance',
            { address: `${'EQ'.repeat(24)}` },
            416,
            'incorrect_address',
        ],
        ['a limit of zero', 'getTransactions', { address, limit: 0 }, 422, 'malformed_request'],
        ['a limit beyond the maximum', 'getTransactions', { address, limit: 102 }, 422, 'malformed_request'],
        ['a fraction as limit', 'getTransactions', { address, limit: 1.5 }, 422, 'malformed_request'],
        ['lt without hash', 'getTransactions', { address, lt: '5' }, 422, 'malformed_request'],
        ['a short hash', 'getTransactions', { address, lt: '5', hash: 'abcd' }, 422, 'malformed_request'],
        ['a negative lt', 'getTransactions', { address, lt: '-5', hash }, 422, 'malformed_request'],
        [
            'a transaction that is not there',
            'getTransactions',
            { address, lt: '5', hash },
            500,
            'transaction_not_found',
        ],
        ['no boc', 'sendBoc', {}, 422, 'malformed_request'],
        ['a boc that is not base64', 'sendBoc', { boc: '!!!' }, 422, 'malformed_request'],
        ['a boc of nonsense', 'sendBoc', { boc: 'AAAA' }, 422, 'malformed_request'],
        ['a cell that is no message', 'sendBoc', { boc: boc(Cell.EMPTY) }, 422, 'malformed_request'],
        [
            'a message to a workchain that is not there',
            'sendBoc',
            { boc: externalTo(new Address(5, Buffer.alloc(32))) },
            422,
            'malformed_request',
        ],
        ['a message to nobody', 'sendBoc', { boc: externalTo(Address.parse(address)) }, 500, 'message_refused'],
        ['a get method without name', 'runGetMethod', { address, stack: [] }, 422, 'malformed_request'],
        ['a stack of nonsense', 'runGetMethod', { address, method: 'x', stack: [['num']] }, 422, 'malformed_request'],
        [
            'an unknown type on the stack',
            'runGetMethod',
            { address, method: 'x', stack: [['dream', 1]] },
            422,
            'malformed_request',
        ],
        [
            'a number that does not fit',
            'runGetMethod',
            { address, method: 'x', stack: [['num', `0x1${'0'.repeat(64)}`]] },
            422,
            'malformed_request',
        ],
        [
            'a fraction on the stack',
            'runGetMethod',
            { address, method: 'x', stack: [['num', 0.5]] },
            422,
            'malformed_request',
        ],
        [
            'another shard',
            'getBlockHeader',
            { workchain: 0, shard: '4611686018427387904', seqno: 1 },
            422,
            'malformed_request',
        ],
        ['a block to come', 'shards', { seqno: 99_999_999 }, 500, 'block_not_found'],
        ['nothing to look up', 'lookupBlock', { workchain: -1, shard: '8000000000000000' }, 422, 'malformed_request'],
        [
            'two things to look up',
            'lookupBlock',
            { workchain: -1, shard: '8000000000000000', seqno: 1, lt: 1 },
            422,
            'malformed_request',
        ],
        ['an estimate without body', 'estimateFee', { address }, 422, 'malformed_request'],
    ];

    it.each(refusals)('with %s are refused', async (_what, method, params, status, reason) => {
        const expected = { status, ok: false, code: status, reason, id: 7 };
        const answer = await rpc(chain, method, params);
        expect(answer).toMatchObject(expected);
        expect(answer.error).toMatch(/\w/);
    });

    it.each([
        ['not JSON', '{"method": ', 422],
        ['not an object', '[1, 2]', 422],
        ['null', 'null', 422],
        ['without method', '{}', 422],
        ['with parameters in a list', '{"method": "shards", "params": [1]}', 422],
        ['too large', JSON.stringify({ method: 'sendBoc', params: { boc: 'A'.repeat(200_000) } }), 413],
    ])('whose body is %s are refused', async (_what, body, status) => {
        expect(await post(chain.endpoint, body)).toMatchObject({ status, ok: false, code: status });
    });

    it('of a wrong kind or to a wrong place are refused as JSON', async () => {
        expect(await get(`${chain.url}/api/v2/nowhere`)).toMatchObject({ status: 404, ok: false, code: 404 });
        const text = await fetch(chain.endpoint, {
            method: 'POST',
            body: 'plain',
            headers: { 'content-type': 'text/plain' },
        });
        expect([text.status, ((await text.json()) as Answer).ok]).toEqual([422, false]);
    });

    it('to the controls are refused', async () => {
        const warps = [
            { seconds: -1 },
            { seconds: 1.5 },
            { seconds: '5' },
            {},
            { seconds: 1e12 },
            { seconds: 1, more: 2 },
        ];
        for (const body of warps)
            expect(await post(`${chain.url}/devnet/warp`, body)).toMatchObject({ status: 422, ok: false });
        const payments = [
            { address },
            { address, amountNano: 5 },
            { address, amountNano: '-5' },
            { address, amountNano: '1.5' },
        ];
        for (const body of payments)
            expect(await post(`${chain.url}/devnet/faucet`, body)).toMatchObject({ status: 422 });
        expect(await post(`${chain.url}/devnet/faucet`, { address: 'nobody', amountNano: '1' })).toMatchObject({
            status: 416,
        });
    });

    it('leave no trace', async () => {
        expect(await resultOf(get(`${chain.url}/devnet/info`))).toMatchObject({ transactions: 0, offsetSec: 0 });
    });
});

describe('the other forms of a request', () => {
    it('are the same: GET with a query, POST with a body, JSON-RPC at any of its paths', async () => {
        const expected = await resultOf(rpc(chain, 'getAddressInformation', { address }));
        const path = '/api/v2/getAddressInformation';
        expect(await resultOf(get(`${chain.url}${path}?address=${address}`))).toEqual(expected);
        expect(await resultOf(post(`${chain.url}${path}`, { address }))).toEqual(expected);
        for (const base of ['/', '/api/v2', '/api/v2/']) {
            expect(
                await resultOf(post(chain.url + base, { method: 'getAddressInformation', params: { address } })),
            ).toEqual(expected);
        }
        const query = `address=${address}&limit=5&to_lt=0&archival=true`;
        expect(await resultOf(get(`${chain.url}/api/v2/getTransactions?${query}`))).toEqual([]);
    });

    it('say what an account is', async () => {
        expect(await resultOf(rpc(chain, 'getAddressState', { address }))).toBe('uninitialized');
        expect(await resultOf(rpc(chain, 'getAddressBalance', { address: chain.faucetAddress }))).toBe(
            toNano('5000000000').toString(),
        );
        const wallet = await resultOf(rpc(chain, 'getWalletInformation', { address: chain.faucetAddress }));
        expect(wallet).toMatchObject({ wallet: true, wallet_type: 'wallet v3 r2', seqno: 0, account_state: 'active' });
        const extended = await resultOf(rpc(chain, 'getExtendedAddressInformation', { address }));
        expect(extended).toMatchObject({
            '@type': 'fullAccountState',
            account_state: { '@type': 'uninited.accountState' },
        });
    });
});

describe('time', () => {
    it('moves by warp only when it is manual, and takes the blocks along', async () => {
        const before = await resultOf<{ now: number; seqno: number }>(get(`${chain.url}/devnet/info`));
        expect(before.now).toBe(1_767_225_600);
        expect(await resultOf(post(`${chain.url}/devnet/warp`, { seconds: 3_600 }))).toMatchObject({
            now: before.now + 3_600,
            seqno: before.seqno + 3_600,
        });
    });
});

describe('a message', () => {
    it('waits its turn: many at once all get through', async () => {
        const pays = Array.from({ length: 6 }, (_, index) =>
            post(`${chain.url}/devnet/faucet`, { address: `0:${String(index).repeat(64)}`, amountNano: '1000' }),
        );
        const reads = Array.from({ length: 6 }, () => get(`${chain.url}/devnet/ledger`));
        for (const answer of await Promise.all([...pays, ...reads])) expect(answer.ok).toBe(true);
        for (const { result } of await Promise.all(reads)) expect(result).toMatchObject({ conserved: true });
    });

    it('that leads to too much is refused whole', async () => {
        const short = await startTestChain({ maxTraceTransactions: 1 });
        const before = await resultOf(get(`${short.url}/devnet/accounts`));
        const paid = await post(`${short.url}/devnet/faucet`, { address, amountNano: '1' });
        expect(paid).toMatchObject({ status: 500, reason: 'trace_too_long' });
        expect(await resultOf(get(`${short.url}/devnet/accounts`))).toEqual(before);
        await short.close();
    });

    it('is refused when too many wait', async () => {
        const narrow = await startTestChain({ maxQueued: 1 });
        const pays = Array.from({ length: 4 }, () => post(`${narrow.url}/devnet/faucet`, { address, amountNano: '1' }));
        const statuses = (await Promise.all(pays)).map(({ status }) => status);
        expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
        expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
        await narrow.close();
    });
});

describe('a slow sender', () => {
    it('is cut off', async () => {
        const impatient = await startTestChain({ requestTimeoutMs: 200 });
        const { port } = new URL(impatient.url);
        const started = httpRequest({
            port,
            method: 'POST',
            path: '/api/v2/jsonRPC',
            headers: { 'content-length': 100, 'content-type': 'application/json' },
        });
        started.write('{');
        const end = new Promise<string>((resolve) => {
            started.on('error', () => resolve('cut off'));
            started.on('response', (response) => resolve(`status ${response.statusCode}`));
        });
        expect(['cut off', 'status 408']).toContain(await end);
        await impatient.close();
    }, 60_000);
});
