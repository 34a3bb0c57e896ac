import { Address, beginCell, toNano } from '@ton/core';
import { ChainWallet, transactionsSince, walletKeyFromSeed } from '../../../keepers/chain';
import { highloadCode, highloadCodeHash } from '../../../keepers/chain/wallet/highload-code';
import { queryIdOf } from '../../../keepers/chain/wallet/highload-protocol';
import { seedOf, useDevnet } from './devnet-fixture';

const fixture = useDevnet();
const somewhere = (name: string) => new Address(0, seedOf(name));

async function highload(name: string, amountNano = toNano('100')): Promise<ChainWallet> {
    const { client, devnet } = fixture;
    const wallet = new ChainWallet({
        client,
        key: walletKeyFromSeed(seedOf(name)),
        kind: 'highload-v3',
        pollIntervalMs: 10,
    });
    if (amountNano > 0n) await devnet.chain.payFromFaucet(wallet.address, amountNano);
    return wallet;
}

describe('a highload v3 wallet on a devnet', () => {
    it('has the code that TON published', () => {
        expect(highloadCode.hash().toString('hex')).toBe(highloadCodeHash);
    });

    it('numbers queries in 13 bits of shift and 1023 places', () => {
        expect([0n, 1022n, 1023n, 8190n * 1023n + 1022n].map(queryIdOf)).toEqual([0, 1022, 1024, 8190 * 1024 + 1022]);
    });

    it('deploys itself with its first request, and each receiver gets exactly its value', async () => {
        const wallet = await highload('highload first');
        const result = await wallet.sendAndConfirm([
            { to: somewhere('ha'), value: toNano('1'), bounce: false },
            { to: somewhere('hb'), value: toNano('2'), bounce: false },
        ]);
        expect(result.complete).toBe(true);
        expect(await fixture.client.getBalanceNano(somewhere('ha'))).toBe(toNano('1'));
        expect(await fixture.client.getBalanceNano(somewhere('hb'))).toBe(toNano('2'));
        expect(result.feeNano).toBeGreaterThan(0n);
        expect(result.feeNano).toBeLessThan(toNano('0.03'));
    });

    it('sends many requests side by side, each once', async () => {
        const wallet = await highload('highload busy');
        await wallet.sendAndConfirm([{ to: somewhere('warm'), value: 1n, bounce: false }]);
        const sends = Array.from({ length: 12 }, (_, i) =>
            wallet.sendAndConfirm([{ to: somewhere('many'), value: toNano('1') + BigInt(i), bounce: false }]),
        );
        const results = await Promise.all(sends);
        expect(new Set(results.map(({ transactionHash }) => transactionHash)).size).toBe(12);
        expect(await transactionsSince(fixture.client, somewhere('many'), { fromLt: 0n })).toHaveLength(12);
    });

    it('sends more messages than one list of actions holds by calling itself again', async () => {
        const wallet = await highload('highload large', toNano('20'));
        const messages = Array.from({ length: 300 }, (_, i) => ({
            to: somewhere(`crowd ${i}`),
            value: 1_000n + BigInt(i),
            bounce: false,
        }));
        const { complete, trace } = await wallet.sendAndConfirm(messages, { timeoutMs: 240_000 });
        expect(complete).toBe(true);
        expect(trace.filter(({ account }) => !account.equals(wallet.address))).toHaveLength(300);
        expect(await fixture.client.getBalanceNano(somewhere('crowd 299'))).toBe(1_299n);
    });

    it('reports the refusal of a receiver behind its own call of itself', async () => {
        const wallet = await highload('highload refused');
        const body = beginCell().storeUint(0x706c7567, 32).storeUint(1, 64).endCell();
        const send = wallet.sendAndConfirm([{ to: somewhere('nobody home'), value: toNano('0.1'), body }]);
        await expect(send).rejects.toMatchObject({ code: 'transaction_failed' });
    });

    it('finds another place when a rival of the same key took its query', async () => {
        const [one, rival] = [await highload('highload shared'), await highload('highload shared', 0n)];
        const both = await Promise.all(
            [one, rival].map((wallet, i) =>
                wallet.sendAndConfirm([{ to: somewhere('raced hl'), value: BigInt(i + 1), bounce: false }], {
                    timeoutMs: 120_000,
                }),
            ),
        );
        expect(both[0]!.transactionHash).not.toBe(both[1]!.transactionHash);
        expect(await transactionsSince(fixture.client, somewhere('raced hl'), { fromLt: 0n })).toHaveLength(2);
    });
});
