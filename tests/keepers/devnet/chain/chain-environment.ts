import { keyPairFromSeed } from '@ton/crypto';
import { TonClient, WalletContractV5R1 } from '@ton/ton';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DevnetChainOptions, type RunningDevnetChain, startDevnetChain } from '../../../../keepers/devnet/chain';

export interface Answer {
    status: number;
    ok: boolean;
    result?: unknown;
    error?: string;
    code?: number;
    reason?: string;
    id?: unknown;
}

/** Manual time: nothing in these tests depends on how fast the machine is. */
export function startTestChain(options: DevnetChainOptions = {}): Promise<RunningDevnetChain> {
    return startDevnetChain({ seed: 'tests', time: 'manual', ...options });
}

export function clientOf(chain: { endpoint: string }): TonClient {
    return new TonClient({ endpoint: chain.endpoint });
}

export function keysOf(name: string) {
    return keyPairFromSeed(createHash('sha256').update(name).digest());
}

export function walletOf(client: TonClient, name: string) {
    const keys = keysOf(name);
    return { keys, contract: client.open(WalletContractV5R1.create({ publicKey: keys.publicKey })) };
}

export async function post(url: string, body: unknown): Promise<Answer> {
    const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, ...((await response.json()) as object) } as Answer;
}

export async function get(url: string): Promise<Answer> {
    const response = await fetch(url);
    return { status: response.status, ...((await response.json()) as object) } as Answer;
}

/** The result of a request that must succeed. */
export async function resultOf<T>(answer: Promise<Answer>): Promise<T> {
    const { ok, result, error } = await answer;
    if (!ok) throw new Error(`refused: ${error}`);
    return result as T;
}

export function rpc(chain: { endpoint: string }, method: string, params: unknown = {}): Promise<Answer> {
    return post(chain.endpoint, { jsonrpc: '2.0', id: 7, method, params });
}

export function fund(chain: { url: string }, address: { toString(): string }, amountNano: bigint): Promise<Answer> {
    return post(`${chain.url}/devnet/faucet`, { address: address.toString(), amountNano: amountNano.toString() });
}

export function temporaryDirectory(): { path: string; remove(): void } {
    const directory = mkdtempSync(path.join(tmpdir(), 'devnet-chain-'));
    return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
