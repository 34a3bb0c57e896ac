import { Address } from '@ton/core';
import { z } from 'zod';
import { type ApiMethod, apiMethod } from './api-method';
import { addressParam } from './read-param';

const faucetSchema = z.strictObject({
    address: addressParam,
    amountNano: z
        .string()
        .regex(/^\d{1,38}$/)
        .transform(BigInt),
});
const warpSchema = z.strictObject({ seconds: z.int().min(0).max(1_000_000_000) });

/** What a development network has and a real one lacks. */
export const devnetReads: Record<string, ApiMethod> = {
    info: apiMethod(z.unknown(), (chain) => ({
        seed: chain.genesis.seed,
        time: chain.genesis.time,
        now: chain.nowSec(),
        offsetSec: chain.offsetSec(),
        feeConfig: chain.genesis.feeConfig,
        faucetAddress: chain.faucet.address.toString(),
        seqno: chain.headSeqno(),
        globalId: chain.config.globalId,
        supplyNano: chain.genesis.supplyNano.toString(),
        transactions: chain.state.transactions.size,
        snapshotError: chain.snapshotError ?? null,
    })),
    accounts: apiMethod(z.unknown(), (chain) =>
        chain.state.accounts.addresses().map((raw) => {
            const account = chain.account(Address.parseRaw(raw));
            return {
                address: account.address.toString(),
                raw,
                state: account.status,
                balanceNano: account.balanceNano.toString(),
            };
        }),
    ),
    ledger: apiMethod(z.unknown(), (chain) => {
        const { conserved, ...amounts } = chain.supply();
        const texts = Object.entries(amounts).map(([name, nano]) => [name, nano.toString()] as const);
        return { ...Object.fromEntries(texts), conserved };
    }),
};

export const devnetActs: Record<string, ApiMethod> = {
    faucet: apiMethod(faucetSchema, async (chain, { address, amountNano }) => {
        const record = await chain.payFromFaucet(address, amountNano);
        const hash = Buffer.from(record.hash, 'hex').toString('base64');
        return { lt: record.lt.toString(), hash };
    }),
    warp: apiMethod(warpSchema, async (chain, { seconds }) => {
        await chain.warp(seconds);
        return { now: chain.nowSec(), offsetSec: chain.offsetSec(), seqno: chain.headSeqno() };
    }),
};
