import { Address, beginCell, Cell, external, type MessageRelaxed, SendMode, storeMessage, toNano } from '@ton/core';
import { internal, type TonClient, WalletContractV5R1 } from '@ton/ton';
import type { RunningDevnetChain } from '../../../../keepers/devnet/chain';
import { clientOf, fund, get, type Answer, resultOf, rpc, startTestChain, walletOf } from './chain-environment';
import { probe } from './probe-contract';

let chain: RunningDevnetChain;
let client: TonClient;

beforeAll(async () => {
    chain = await startTestChain();
    client = clientOf(chain);
});

afterAll(() => chain.close());

const sink = `0:${'5a'.repeat(32)}`;

async function deployProbe(wallet: ReturnType<typeof walletOf>) {
    const { address, init } = probe();
    const message = internal({ to: address, value: toNano('1'), init, body: Cell.EMPTY, bounce: false });
    const seqno = await wallet.contract.getSeqno();
    const sendMode = SendMode.PAY_GAS_SEPARATELY;
    await wallet.contract.sendTransfer({ seqno, secretKey: wallet.keys.secretKey, messages: [message], sendMode });
    return address;
}

function signedTransfer(keys: ReturnType<typeof walletOf>['keys'], messages: MessageRelaxed[]): Cell {
    const sendMode = SendMode.PAY_GAS_SEPARATELY;
    const args = { seqno: 0, secretKey: keys.secretKey, authType: 'external' as const, messages, sendMode };
    return WalletContractV5R1.create({ publicKey: keys.publicKey }).createTransfer(args);
}

describe('an unmodified TonClient with wallet V5R1', () => {
    it('sees an account come into being, deploys its wallet with the first transfer and pays', async () => {
        const { keys, contract } = walletOf(client, 'payer');
        expect(await client.getContractState(contract.address)).toMatchObject({ state: 'uninitialized', balance: 0n });
        await resultOf(fund(chain, contract.address, toNano('10')));
        expect(await contract.getBalance()).toBe(toNano('10'));
        const messages = [internal({ to: sink, value: '2.5', body: 'for the demo', bounce: false })];
        await contract.sendTransfer({ seqno: 0, secretKey: keys.secretKey, messages, sendMode: 1 });
        expect(await contract.getSeqno()).toBe(1);
        expect(await client.isContractDeployed(contract.address)).toBe(true);
        const [received] = await client.getTransactions(Address.parse(sink), { limit: 1 });
        expect(received!.inMessage!.info).toMatchObject({ type: 'internal', value: { coins: toNano('2.5') } });
        const json = await resultOf<{ in_msg: { message: string; source: string; hash: string } }[]>(
            rpc(chain, 'getTransactions', { address: sink, limit: 1 }),
        );
        const sent = await resultOf<{ out_msgs: { hash: string }[] }[]>(
            rpc(chain, 'getTransactions', { address: contract.address.toString(), limit: 1 }),
        );
        expect(sent[0]!.out_msgs[0]!.hash).toBe(json[0]!.in_msg.hash);
        expect(json[0]!.in_msg).toMatchObject({ message: 'for the demo', source: contract.address.toString() });
    });

    it('finds each side of a message from the other', async () => {
        const { keys, contract } = walletOf(client, 'locator');
        await fund(chain, contract.address, toNano('5'));
        const messages = [internal({ to: sink, value: '1', bounce: false })];
        await contract.sendTransfer({ seqno: 0, secretKey: keys.secretKey, messages, sendMode: 1 });
        const [sent] = await client.getTransactions(contract.address, { limit: 1 });
        const out = sent!.outMessages.get(0)!;
        if (out.info.type !== 'internal') throw new Error('expected an internal message');
        const result = await client.tryLocateResultTx(contract.address, out.info.dest, out.info.createdLt.toString());
        expect(result.inMessage!.body.hash()).toEqual(out.body.hash());
        const source = await client.tryLocateSourceTx(contract.address, out.info.dest, out.info.createdLt.toString());
        expect(source.hash()).toEqual(sent!.hash());
        await expect(client.tryLocateResultTx(out.info.dest, contract.address, '1')).rejects.toThrow();
    });

    it('pages through a history without gap or repetition', async () => {
        const { keys, contract } = walletOf(client, 'pager');
        await fund(chain, contract.address, toNano('50'));
        for (let seqno = 0; seqno < 7; seqno += 1) {
            const messages = [internal({ to: sink, value: '0.1', bounce: false })];
            await contract.sendTransfer({ seqno, secretKey: keys.secretKey, messages, sendMode: 1 });
        }
        const all = await client.getTransactions(contract.address, { limit: 100, archival: true });
        expect(all).toHaveLength(8);
        const lts = all.map(({ lt }) => lt);
        expect(lts).toEqual([...lts].sort((a, b) => (a < b ? 1 : -1)));
        const paged = await client.getTransactions(contract.address, { limit: 3 });
        while (paged.length < 8) {
            const last = paged.at(-1)!;
            const cursor = { lt: last.lt.toString(), hash: last.hash().toString('base64') };
            const page = await client.getTransactions(contract.address, { limit: 3, ...cursor });
            expect(page.length).toBeGreaterThan(0);
            paged.push(...page);
        }
        expect(paged.map((one) => one.hash())).toEqual(all.map((one) => one.hash()));
        const until = await client.getTransactions(contract.address, { limit: 100, to_lt: lts[4]!.toString() });
        expect(until.map(({ lt }) => lt)).toEqual(lts.slice(0, 4));
        const one = await client.getTransaction(
            contract.address,
            lts[2]!.toString(),
            all[2]!.hash().toString('base64'),
        );
        expect(one!.hash()).toEqual(all[2]!.hash());
        await expect(
            client.getTransactions(contract.address, {
                limit: 3,
                lt: '12345',
                hash: all[0]!.hash().toString('base64'),
            }),
        ).rejects.toThrow('500');
    });

    it('is told why a message is refused, and nothing changes', async () => {
        const { keys, contract } = walletOf(client, 'refused');
        await fund(chain, contract.address, toNano('5'));
        const messages = [internal({ to: sink, value: '1', bounce: false })];
        const before = await resultOf(get(`${chain.url}/devnet/accounts`));
        const failure = contract.sendTransfer({ seqno: 9, secretKey: keys.secretKey, messages, sendMode: 1 });
        const error = (await failure.then(
            () => undefined,
            (caught: unknown) => caught,
        )) as { response: { status: number; data: Answer } };
        expect(error.response.status).toBe(500);
        expect(error.response.data).toMatchObject({ ok: false, code: 500, id: '1' });
        expect(error.response.data.error).toContain('External message was not accepted');
        expect(error.response.data.error).toMatch(/exitcode=133\b/);
        expect(await resultOf(get(`${chain.url}/devnet/accounts`))).toEqual(before);
    });

    it('runs get methods with numbers, cells, slices and tuples', async () => {
        const wallet = walletOf(client, 'caller');
        await fund(chain, wallet.contract.address, toNano('5'));
        const address = await deployProbe(wallet);
        const cell = beginCell().storeUint(0xabc, 12).storeRef(beginCell().storeUint(7, 8)).endCell();
        const numbers = [0n, -1n, 2n ** 256n - 1n, -(2n ** 256n), 1234567890123456789n];
        const { stack } = await client.runMethod(address, 'echo', [
            ...numbers.map((value) => ({ type: 'int' as const, value })),
            { type: 'cell', cell },
            { type: 'slice', cell },
        ]);
        for (const value of numbers) expect(stack.readBigNumber()).toBe(value);
        expect(stack.readCell().hash()).toEqual(cell.hash());
        expect(stack.readCell().hash()).toEqual(cell.hash());
        const nested = (await client.runMethod(address, 'nested')).stack;
        // TonClient 16.3 leaves a tuple's numbers bare.
        expect((nested.readTuple() as unknown as { items: unknown[] }).items).toEqual([3n, [1n, 2n]]);
        expect(await client.runMethodWithError(address, 'fail')).toMatchObject({ exit_code: 42 });
        expect(await client.runMethodWithError(address, 'absent')).toMatchObject({ exit_code: 11 });
        await expect(client.runMethod(address, 'fail')).rejects.toThrow('exit_code: 42');
        const nobody = await rpc(chain, 'runGetMethod', { address: `0:${'13'.repeat(32)}`, method: 'now', stack: [] });
        expect(nobody.result).toMatchObject({ exit_code: -13, stack: [] });
    });

    it('hands nested tuples through in both directions', async () => {
        const { address } = probe();
        const tuple = {
            '@type': 'tvm.tuple',
            elements: [
                { '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number: '-5' } },
                { '@type': 'tvm.stackEntryTuple', tuple: { '@type': 'tvm.tuple', elements: [] } },
                { '@type': 'tvm.stackEntryList', list: { '@type': 'tvm.list', elements: [] } },
            ],
        };
        const answer = await rpc(chain, 'runGetMethod', {
            address: address.toString(),
            method: 'echo',
            stack: [['tuple', tuple]],
        });
        expect((answer.result as { stack: unknown[] }).stack).toEqual([['tuple', tuple]]);
    });

    it('estimates what a transfer then costs', async () => {
        const { keys, contract } = walletOf(client, 'estimator');
        await fund(chain, contract.address, toNano('5'));
        const messages = [internal({ to: sink, value: '1', bounce: false })];
        const body = signedTransfer(keys, messages);
        const { code, data } = WalletContractV5R1.create({ publicKey: keys.publicKey }).init;
        const options = { body, initCode: code, initData: data, ignoreSignature: true };
        const { source_fees: fees } = await client.estimateExternalMessageFee(contract.address, options);
        await contract.send(body);
        const spent = toNano('4') - (await contract.getBalance());
        expect(BigInt(fees.in_fwd_fee + fees.storage_fee + fees.gas_fee + fees.fwd_fee)).toBe(spent);
    });

    it('can find its message by the normalised hash it is told', async () => {
        const { keys, contract } = walletOf(client, 'hasher');
        await fund(chain, contract.address, toNano('5'));
        const body = signedTransfer(keys, [internal({ to: sink, value: '1', bounce: false })]);
        const { init } = WalletContractV5R1.create({ publicKey: keys.publicKey });
        const cell = beginCell()
            .store(storeMessage(external({ to: contract.address, init, body })))
            .endCell();
        const boc = cell.toBoc().toString('base64');
        const told = await resultOf<{ hash: string; hash_norm: string }>(rpc(chain, 'sendBocReturnHash', { boc }));
        expect(told.hash).toBe(cell.hash().toString('base64'));
        const bare = storeMessage(external({ to: contract.address, body }), { forceRef: true });
        expect(told.hash_norm).toBe(beginCell().store(bare).endCell().hash().toString('base64'));
        const [transaction] = await client.getTransactions(contract.address, { limit: 1 });
        expect(transaction!.raw.refs[0]!.refs[0]!.hash()).toEqual(cell.hash());
    });

    it('reads blocks and the transactions in them', async () => {
        const { latestSeqno } = await client.getMasterchainInfo();
        const [shard] = await client.getWorkchainShards(latestSeqno);
        expect(shard).toMatchObject({ workchain: 0, seqno: latestSeqno });
        const { contract } = walletOf(client, 'in a block');
        await fund(chain, contract.address, toNano('1'));
        const next = await client.getMasterchainInfo();
        expect(next.latestSeqno).toBe(latestSeqno + 1);
        const inBlock = await client.getShardTransactions(0, next.latestSeqno, shard!.shard);
        expect(inBlock.map(({ account }) => account.toString())).toEqual([
            chain.faucetAddress,
            contract.address.toString(),
        ]);
        expect(await client.getShardTransactions(0, latestSeqno - 500, shard!.shard)).toEqual([]);
    });
});

describe('previous blocks', () => {
    interface Block {
        seqno: number;
        root_hash: string;
        file_hash: string;
    }

    async function lookup(seqno: number): Promise<Block> {
        const place = `workchain=-1&shard=-9223372036854775808&seqno=${seqno}`;
        return resultOf<Block>(get(`${chain.url}/api/v2/lookupBlock?${place}`));
    }

    function hashInt(base64: string): bigint {
        return BigInt(`0x${Buffer.from(base64, 'base64').toString('hex')}`);
    }

    /** [workchain, shard, seqno, root hash, file hash] in TonClient's bare form. */
    async function blocksOf(method: string): Promise<bigint[][]> {
        const { stack } = await client.runMethod(probe().address, method);
        return (stack.readTuple() as unknown as { items: bigint[][] }).items;
    }

    it('are the same for a contract and for a client', async () => {
        const { latestSeqno } = await client.getMasterchainInfo();
        const latest = await blocksOf('prev_blocks');
        expect(latest.map(([, , seqno]) => Number(seqno))).toEqual(
            [...Array(16).keys()].map((back) => latestSeqno - back),
        );
        const hundreds = await blocksOf('prev_blocks_100');
        const newest = latestSeqno - (latestSeqno % 100);
        expect(hundreds.map(([, , seqno]) => Number(seqno))).toEqual(
            [...Array(16).keys()].map((back) => newest - back * 100),
        );
        for (const [workchain, shard, seqno, root, file] of [...latest, ...hundreds]) {
            const block = await lookup(Number(seqno));
            expect([workchain, shard]).toEqual([-1n, -(2n ** 63n)]);
            expect([root, file]).toEqual([hashInt(block.root_hash), hashInt(block.file_hash)]);
        }
    });

    it('are known to a transaction, too', async () => {
        const { address } = probe();
        await resultOf(fund(chain, address, toNano('1')));
        const stored = (await client.getContractState(address)).data!;
        const { latestSeqno } = await client.getMasterchainInfo();
        const before = latestSeqno - 1;
        const block = await lookup(before - (before % 100));
        expect(Cell.fromBoc(stored)[0]!.beginParse().loadUintBig(256)).toBe(hashInt(block.root_hash));
    });

    it('have headers whose time and hashes hold together', async () => {
        const { latestSeqno } = await client.getMasterchainInfo();
        const place = { workchain: -1, shard: '-9223372036854775808' };
        const header = await resultOf<{ gen_utime: number; id: Block; prev_blocks: Block[] }>(
            rpc(chain, 'getBlockHeader', { ...place, seqno: latestSeqno }),
        );
        expect(header.prev_blocks[0]).toEqual(await lookup(latestSeqno - 1));
        const byTime = await resultOf<Block>(rpc(chain, 'lookupBlock', { ...place, unixtime: header.gen_utime }));
        expect(byTime.seqno).toBe(latestSeqno);
        const wrong = { ...place, seqno: latestSeqno, root_hash: 'ab'.repeat(32) };
        expect(await rpc(chain, 'getBlockHeader', wrong)).toMatchObject({ status: 500, reason: 'block_not_found' });
        expect(await rpc(chain, 'lookupBlock', { ...place, seqno: latestSeqno + 1 })).toMatchObject({ status: 500 });
    });
});

describe('configuration', () => {
    it('answers a parameter and the whole', async () => {
        const param = await resultOf<{ config: { bytes: string } }>(rpc(chain, 'getConfigParam', { config_id: 19 }));
        expect(Cell.fromBase64(param.config.bytes).beginParse().loadInt(32)).toBe(-239);
        expect(await rpc(chain, 'getConfigParam', { config_id: 999 })).toMatchObject({ ok: false, status: 500 });
    });
});
