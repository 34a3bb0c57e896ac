import { Address, Cell, Dictionary, toNano } from '@ton/core';
import { internal, TonClient4, WalletContractV5R1 } from '@ton/ton';
import type { RunningDevnetChain } from '../../../../keepers/devnet/chain';
import { bagOfRoots } from '../../../../keepers/devnet/chain/http-v4/bag-of-roots';
import { clientOf, fund, get, keysOf, post, resultOf, rpc, startTestChain } from './chain-environment';
import { probe } from './probe-contract';

let chain: RunningDevnetChain;
let client: TonClient4;
const sink = Address.parseRaw(`0:${'5b'.repeat(32)}`);

beforeAll(async () => {
    chain = await startTestChain();
    client = new TonClient4({ endpoint: chain.endpointV4 });
});

afterAll(() => chain.close());

const latest = async () => (await client.getLastBlock()).last.seqno;

function walletOf(name: string) {
    const keys = keysOf(name);
    return { keys, contract: client.open(WalletContractV5R1.create({ publicKey: keys.publicKey })) };
}

async function payFrom(name: string, count: number) {
    const { keys, contract } = walletOf(name);
    await resultOf(fund(chain, contract.address, toNano('20')));
    for (let seqno = 0; seqno < count; seqno += 1) {
        const messages = [internal({ to: sink, value: '0.1', bounce: false })];
        await contract.sendTransfer({ seqno, secretKey: keys.secretKey, messages, sendMode: 1 });
    }
    return contract;
}

describe('an unmodified TonClient4', () => {
    it('deploys a wallet with its first transfer, pays, and reads what came of it', async () => {
        const contract = await payFrom('v4 payer', 2);
        expect(await contract.getSeqno()).toBe(2);
        expect(await client.isContractDeployed(await latest(), contract.address)).toBe(true);
        const { account } = await client.getAccount(await latest(), sink);
        expect(account.balance.coins).toBe(toNano('0.2').toString());
        expect(account.state.type).toBe('uninit');
    });

    it('agrees with the API of version 2 on accounts, get methods and transactions', async () => {
        const contract = await payFrom('v4 and v2', 3);
        const v2 = clientOf(chain);
        const state = await v2.getContractState(contract.address);
        const { account } = await client.getAccount(await latest(), contract.address);
        expect(account.balance.coins).toBe(BigInt(state.balance).toString());
        expect(account.last).toEqual(state.lastTransaction);
        const last = { lt: BigInt(account.last!.lt), hash: Buffer.from(account.last!.hash, 'base64') };
        const here = await client.getAccountTransactions(contract.address, last.lt, last.hash);
        const there = await v2.getTransactions(contract.address, { limit: 20 });
        expect(here.map(({ tx }) => tx.hash().toString('hex'))).toEqual(there.map((tx) => tx.hash().toString('hex')));
        expect(here).toHaveLength(4);
    });

    it('reads an account, and runs its methods, at a block of the past', async () => {
        const contract = await payFrom('v4 past', 1);
        const before = await latest();
        const balance = await contract.getBalance();
        const { keys } = walletOf('v4 past');
        const messages = [internal({ to: sink, value: '1', bounce: false })];
        await contract.sendTransfer({ seqno: 1, secretKey: keys.secretKey, messages, sendMode: 1 });
        const then = client.openAt(before, WalletContractV5R1.create({ publicKey: keys.publicKey }));
        expect([await then.getSeqno(), await then.getBalance()]).toEqual([1, balance]);
        expect(await contract.getSeqno()).toBe(2);
        const pastV2 = await resultOf<{ stack: unknown; block_id: { seqno: number } }>(
            rpc(chain, 'runGetMethod', {
                address: contract.address.toString(),
                method: 'seqno',
                stack: [],
                seqno: before,
            }),
        );
        expect(pastV2).toMatchObject({ stack: [['num', '0x1']], block_id: { seqno: before } });
        const { changed } = await client.isAccountChanged(await latest(), contract.address, 1n);
        expect(changed).toBe(true);
    });

    it('takes arguments of a get method and gives back every type of a stack', async () => {
        const { address, init } = probe();
        const { keys, contract } = walletOf('v4 prober');
        await fund(chain, contract.address, toNano('5'));
        const messages = [internal({ to: address, value: '1', init, body: Cell.EMPTY, bounce: false })];
        await contract.sendTransfer({ seqno: 0, secretKey: keys.secretKey, messages, sendMode: 1 });
        const args = [{ type: 'int', value: -5n } as const, { type: 'cell', cell: Cell.EMPTY } as const];
        const echoed = await client.runMethod(await latest(), address, 'echo', args);
        expect(echoed.exitCode).toBe(0);
        expect(echoed.result[0]).toEqual(args[0]);
        expect(echoed.reader.skip().readCell().equals(Cell.EMPTY)).toBe(true);
    });

    it('lists a block with its transactions, by number and by time', async () => {
        await payFrom('v4 block', 1);
        const { last, now } = await client.getLastBlock();
        const block = await client.getBlock(last.seqno);
        expect(block.shards.map(({ workchain }) => workchain)).toEqual([-1, 0]);
        expect(block.shards[1]!.transactions.length).toBeGreaterThan(0);
        expect(await client.getBlockByUtime(now)).toEqual(block);
        await expect(client.getBlock(last.seqno + 1_000)).rejects.toThrow('out of scope');
    });

    it('reads the network configuration', async () => {
        const { config } = await client.getConfig(await latest(), [8]);
        const params = Dictionary.loadDirect(
            Dictionary.Keys.Int(32),
            Dictionary.Values.Cell(),
            Cell.fromBase64(config.cell),
        );
        expect(params.get(8)!.beginParse().loadUint(8)).toBe(0xc4);
    });
});

describe('the API of version 4', () => {
    it('is served at a port of its own where one is asked for, by the same chain', async () => {
        const other = await startTestChain({ v4Port: 0 });
        try {
            expect(new URL(other.endpointV4).port).not.toBe(new URL(other.url).port);
            const { last } = await new TonClient4({ endpoint: other.endpointV4 }).getLastBlock();
            expect(last.seqno).toBe(other.chain.headSeqno());
        } finally {
            await other.close();
        }
    });

    it('refuses nonsense with a status and a reason', async () => {
        const answers = await Promise.all([
            get(`${chain.endpointV4}/block/latest/nowhere`),
            get(`${chain.endpointV4}/block/1000000/${sink.toString()}`),
            get(`${chain.endpointV4}/account/${sink.toString()}/tx/1/AAAA`),
            post(`${chain.endpointV4}/send`, { boc: '' }),
        ]);
        expect(answers.map(({ status }) => status)).toEqual([416, 500, 422, 422]);
        for (const { error } of answers) expect(error).toEqual(expect.any(String));
    });

    it('writes a bag of several roots that shares cells', () => {
        const leaf = new Cell({ bits: Cell.EMPTY.bits });
        const roots = [leaf, new Cell({ refs: [leaf, leaf] }), new Cell({ refs: [new Cell({ refs: [leaf] })] })];
        const read = Cell.fromBoc(bagOfRoots(roots));
        expect(read.map((cell) => cell.hash())).toEqual(roots.map((cell) => cell.hash()));
    });
});
