import { Address, Cell, serializeTuple, type TupleItem } from '@ton/core';
import { DevnetChain } from '../../../../keepers/devnet/chain';
import { BlockIds } from '../../../../keepers/devnet/chain/core/block-ids';
import { BlockLine, genesisSeqno } from '../../../../keepers/devnet/chain/core/block-line';
import { PrevBlocksEncoder } from '../../../../keepers/devnet/chain/core/prev-blocks';
import { SerialQueue } from '../../../../keepers/devnet/chain/core/serial-queue';

describe('the same inputs', () => {
    async function run(seed: string): Promise<string[]> {
        const chain = await DevnetChain.open({ seed, time: 'manual' });
        await chain.payFromFaucet(Address.parseRaw(`0:${'77'.repeat(32)}`), 1_000n);
        await chain.warp(500);
        const record = await chain.payFromFaucet(Address.parseRaw(`0:${'78'.repeat(32)}`), 2_000n);
        const block = chain.blockIds.masterchainBlock(chain.headSeqno());
        await chain.close();
        return [record.hash, record.lt.toString(), block.rootHash.toString('hex'), chain.faucet.address.toString()];
    }

    it('give the same addresses, hashes and logical times; another seed gives others', async () => {
        const first = await run('one');
        expect(await run('one')).toEqual(first);
        const [hash, , root, faucet] = await run('two');
        expect([hash === first[0], root === first[2], faucet === first[3]]).toEqual([false, false, false]);
    });
});

describe('previous blocks', () => {
    const ids = new BlockIds('encoding');

    function reference(head: number): string {
        const block = (seqno: number): TupleItem => {
            const { rootHash, fileHash } = ids.masterchainBlock(seqno);
            const hashes = [rootHash, fileHash].map((hash) => BigInt(`0x${hash.toString('hex')}`));
            const values = [-1n, -(2n ** 63n), BigInt(seqno), ...hashes];
            return { type: 'tuple', items: values.map((value) => ({ type: 'int', value })) };
        };
        const down = (from: number, step: number): TupleItem => {
            const count = Math.min(16, Math.floor(from / step) + 1);
            return { type: 'tuple', items: [...Array(count).keys()].map((back) => block(from - back * step)) };
        };
        const items = [down(head, 1), block(0), down(head - (head % 100), 100)];
        // A stack of one: 24 bits of depth and the rest below come before the entry itself.
        const stack = serializeTuple([{ type: 'tuple', items }]).beginParse();
        stack.skip(24).loadRef();
        return stack.asCell().hash().toString('hex');
    }

    it.each([0, 1, 15, 99, 100, 101, 1_599, 2_000, 2_001, 123_456])('are encoded as TVM wants them at %p', (head) => {
        const encoder = new PrevBlocksEncoder(ids);
        encoder.encode(Math.max(0, head - 1));
        expect(Cell.fromBase64(encoder.encode(head)).hash().toString('hex')).toBe(reference(head));
    });
});

describe('the line of blocks', () => {
    it('has one block a second and one a message, and finds each from its time', () => {
        const line = new BlockLine(1_000);
        expect(line.headAt(1_010)).toBe(genesisSeqno + 10);
        line.append({ seqno: genesisSeqno + 11, timeSec: 1_010 });
        line.append({ seqno: genesisSeqno + 12, timeSec: 1_010 });
        line.append({ seqno: genesisSeqno + 12, timeSec: 1_010 });
        expect(line.headAt(1_010)).toBe(genesisSeqno + 12);
        expect(line.headAt(1_015)).toBe(genesisSeqno + 17);
        expect([10, 11, 12, 13].map((offset) => line.timeOf(genesisSeqno + offset))).toEqual([
            1_010, 1_010, 1_010, 1_011,
        ]);
        expect([999, 1_000, 1_009, 1_010, 1_011].map((time) => line.seqnoAt(time) - genesisSeqno)).toEqual([
            -1, 0, 9, 12, 13,
        ]);
        expect(line.timeOf(genesisSeqno - 100)).toBe(900);
    });
});

describe('the queue', () => {
    it('refuses what waited too long, unexecuted, and what comes after its end', async () => {
        const queue = new SerialQueue({ maxQueued: 5, queueTimeoutMs: 20 });
        let release = () => undefined as void;
        const slow = queue.run(() => new Promise<void>((resolve) => (release = resolve)));
        let ran = false;
        const late = queue.run(async () => (ran = true));
        await expect(late).rejects.toMatchObject({ code: 'queue_timeout' });
        const closing = queue.close();
        await expect(queue.run(async () => 1)).rejects.toMatchObject({ code: 'closed' });
        release();
        await Promise.all([slow, closing]);
        expect(ran).toBe(false);
    });
});
