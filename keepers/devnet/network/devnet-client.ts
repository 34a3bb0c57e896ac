import type { Address } from '@ton/core';
import { request } from 'undici';
import { z } from 'zod';
import { DevnetError } from '../errors';
import type { ChainTotals } from '../demo/conservation';

const nano = z
    .string()
    .regex(/^-?\d+$/)
    .transform(BigInt);
const accountsSchema = z.array(z.object({ raw: z.string(), balanceNano: nano }));
const ledgerSchema = z.object({ collectedNano: nano });

/** The controls of a development chain that a real one lacks: faucet, time warp, and the books of the whole chain. */
export class DevnetClient {
    constructor(readonly url: string) {}

    async faucet(to: Address, amountNano: bigint): Promise<void> {
        await this.call('POST', 'faucet', { address: to.toString(), amountNano: amountNano.toString() });
    }

    async warp(seconds: number): Promise<void> {
        await this.call('POST', 'warp', { seconds });
    }

    /** Balances of all accounts and the fees collected so far. */
    async totals(): Promise<ChainTotals> {
        const accounts = accountsSchema.parse(await this.call('GET', 'accounts'));
        const { collectedNano: feesNano } = ledgerSchema.parse(await this.call('GET', 'ledger'));
        return { balancesNano: new Map(accounts.map(({ raw, balanceNano }) => [raw, balanceNano])), feesNano };
    }

    private async call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
        const { statusCode, body: answer } = await request(`${this.url}/devnet/${path}`, {
            method,
            headers: { 'content-type': 'application/json' },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const json = (await answer.json()) as { ok?: boolean; result?: unknown; error?: unknown };
        if (statusCode === 200) return json.ok === true ? json.result : json;
        throw new DevnetError('process_failed', `/devnet/${path} answered ${statusCode}: ${JSON.stringify(json)}`);
    }
}
