import { Address, beginCell, Cell, Dictionary, SendMode, toNano } from '@ton/core';
import { internal } from '@ton/ton';
import { defaultConfig } from '@ton/sandbox';
import { DevnetChain } from '../../../../keepers/devnet/chain';
import { NetworkConfig } from '../../../../keepers/devnet/chain/core/fee-config';
import { clientOf, fund, get, post, resultOf, startTestChain, walletOf } from './chain-environment';
import { probe } from './probe-contract';

interface Ledger {
    supplyNano: string;
    balancesNano: string;
    collectedNano: string;
    burnedNano: string;
    storageFeesNano: string;
    conserved: boolean;
}

const paramsOf = (config: Cell) => Dictionary.loadDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell(), config);

async function sumOfBalances(chain: { url: string }): Promise<bigint> {
    const accounts = await resultOf<{ balanceNano: string }[]>(get(`${chain.url}/devnet/accounts`));
    return accounts.reduce((sum, { balanceNano }) => sum + BigInt(balanceNano), 0n);
}

describe('the supply', () => {
    it('is in balances and fees to the nanoTON, through bounces, deployments, storage, burning and refusals', async () => {
        const chain = await startTestChain({ supplyNano: toNano('1000000') });
        const client = clientOf(chain);
        const { keys, contract } = walletOf(client, 'spender');
        await resultOf(fund(chain, contract.address, toNano('1000')));
        const { address, init } = probe();
        const elector = `-1:${'33'.repeat(32)}`;
        const blackhole = `-1:${'ff'.repeat(32)}`;
        const plans = [
            [internal({ to: address, value: '3', init, bounce: false })],
            // Nobody is there: these come back, less fees.
            [internal({ to: `0:${'01'.repeat(32)}`, value: '1', bounce: true, body: 'anybody?' })],
            [internal({ to: `0:${'02'.repeat(32)}`, value: 1n, bounce: true })],
            [1, 2, 3, 4].map((index) =>
                internal({ to: `0:${String(index).repeat(64)}`, value: toNano(index), bounce: false }),
            ),
            [internal({ to: address, value: 0n, bounce: true, body: beginCell().storeUint(1, 32).endCell() })],
            [
                internal({ to: elector, value: '2', bounce: false }),
                internal({ to: blackhole, value: '1.25', bounce: false }),
            ],
        ];
        for (const [seqno, messages] of plans.entries()) {
            await contract.sendTransfer({ seqno, secretKey: keys.secretKey, messages, sendMode: 1 });
            await resultOf(post(`${chain.url}/devnet/warp`, { seconds: 40 * 86_400 }));
        }
        await expect(
            contract.sendTransfer({ seqno: 0, secretKey: keys.secretKey, messages: [], sendMode: 1 }),
        ).rejects.toThrow();
        // More than the wallet holds: accepted, paid for, and nothing sent.
        const payIgnoringErrors = SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS;
        const tooMuch = [internal({ to: address, value: '100000', bounce: true })];
        await contract.sendTransfer({
            seqno: plans.length,
            secretKey: keys.secretKey,
            messages: tooMuch,
            sendMode: payIgnoringErrors,
        });
        const ledger = await resultOf<Ledger>(get(`${chain.url}/devnet/ledger`));
        expect(ledger).toMatchObject({ supplyNano: toNano('1000000').toString(), conserved: true });
        expect((await sumOfBalances(chain)) + BigInt(ledger.collectedNano)).toBe(toNano('1000000'));
        expect(BigInt(ledger.burnedNano)).toBe(toNano('1.25'));
        expect(BigInt(ledger.storageFeesNano)).toBeGreaterThan(0n);
        await chain.close();
    });

    it('is noticed when it does not add up', async () => {
        const chain = await DevnetChain.open({ time: 'manual' });
        await chain.payFromFaucet(Address.parseRaw(`0:${'44'.repeat(32)}`), 5n);
        expect(chain.supply().conserved).toBe(true);
        chain.state.fees = { ...chain.state.fees, gasNano: chain.state.fees.gasNano + 1n };
        expect(chain.supply().conserved).toBe(false);
        await chain.close();
    });
});

describe('the faucet', () => {
    it('pays exactly, by a transaction that can be looked up', async () => {
        const chain = await startTestChain();
        const address = Address.parseRaw(`0:${'0f'.repeat(32)}`);
        const paid = await resultOf<{ lt: string; hash: string }>(fund(chain, address, 123_456_789n));
        const client = clientOf(chain);
        expect(await client.getBalance(address)).toBe(123_456_789n);
        const sent = await client.getTransaction(Address.parse(chain.faucetAddress), paid.lt, paid.hash);
        expect(sent!.outMessages.get(0)!.info).toMatchObject({ value: { coins: 123_456_789n } });
        await chain.close();
    });

    it('refuses what it cannot pay', async () => {
        const chain = await startTestChain({ supplyNano: toNano('10') });
        const address = `0:${'0f'.repeat(32)}`;
        for (const amount of [0n, toNano('9.5'), toNano('11')]) {
            expect(await fund(chain, address, amount)).toMatchObject({ status: 422, reason: 'faucet_short' });
        }
        expect(await fund(chain, address, toNano('8'))).toMatchObject({ ok: true });
        await chain.close();
    });
});

describe('prices', () => {
    it('of 2026 are a sixth of the sandbox prices', () => {
        const gasPrice = (name: 'sandbox' | 'mainnet-2026') => {
            const slice = NetworkConfig.of(name).param(21).beginParse();
            // gas_flat_pfx#d1 flat_gas_limit:uint64 flat_gas_price:uint64 gas_prices_ext#de gas_price:uint64
            return { flat: slice.skip(8 + 64).loadUintBig(64), price: slice.skip(8).loadUintBig(64) };
        };
        expect(gasPrice('sandbox')).toEqual({ flat: 40_000n, price: 400n << 16n });
        expect(gasPrice('mainnet-2026')).toEqual({ flat: 6_667n, price: 4_369_067n });
        const forward = NetworkConfig.of('mainnet-2026').param(25).beginParse();
        expect(forward.skip(8).loadUintBig(64)).toBe(66_667n);
    });

    it('and all else are those of the sandbox, but for validators: one in each set, with the times of its set', () => {
        const sandbox = paramsOf(Cell.fromBase64(defaultConfig));
        const ours = paramsOf(NetworkConfig.of('sandbox').cell);
        expect(ours.keys()).toEqual(sandbox.keys());
        const differing = ours.keys().filter((id) => !ours.get(id)!.equals(sandbox.get(id)!));
        expect(differing).toEqual([32, 34, 36]);
        for (const id of differing) {
            const [set, whole] = [ours, sandbox].map((params) => params.get(id)!.beginParse());
            // validators_ext#12 utime_since:uint32 utime_until:uint32 total:(## 16) main:(## 16) total_weight:uint64 list:(HashmapE 16 ValidatorDescr)
            expect(set!.loadUintBig(8 + 32 + 32)).toBe(whole!.loadUintBig(8 + 32 + 32));
            expect([set!.loadUint(16), set!.loadUint(16)]).toEqual([1, 1]);
            const weight = set!.loadUintBig(64);
            const list = set!.loadDict(Dictionary.Keys.Uint(16), Dictionary.Values.BigUint(8 + 32 + 256 + 64 + 256));
            // validator_addr#73 ed25519_pubkey#8e81278a pubkey:bits256 weight:uint64 adnl_addr:bits256
            expect([...list].map(([index, description]) => [index, BigInt.asUintN(64, description >> 256n)])).toEqual([
                [0, weight],
            ]);
        }
    });

    it('apply to transactions', async () => {
        const gasFees = async (feeConfig: 'sandbox' | 'mainnet-2026') => {
            const chain = await DevnetChain.open({ time: 'manual', seed: 'prices', feeConfig });
            await chain.payFromFaucet(Address.parseRaw(`0:${'44'.repeat(32)}`), 5n);
            await chain.close();
            return chain.supply();
        };
        const [dear, cheap] = [await gasFees('sandbox'), await gasFees('mainnet-2026')];
        expect(Number(dear.gasFeesNano) / Number(cheap.gasFeesNano)).toBeCloseTo(6, 2);
        expect(Number(dear.forwardFeesNano) / Number(cheap.forwardFeesNano)).toBeCloseTo(6, 2);
    });
});
