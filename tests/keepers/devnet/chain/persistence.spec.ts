import { toNano } from '@ton/core';
import { internal } from '@ton/ton';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ManualClock } from '../../../../keepers/base';
import { type DevnetChainOptions, startDevnetChain } from '../../../../keepers/devnet/chain';
import {
    clientOf,
    fund,
    get,
    post,
    resultOf,
    rpc,
    startTestChain,
    temporaryDirectory,
    walletOf,
} from './chain-environment';
import { typescriptNode } from '../../../support/typescript-node';

const repository = path.resolve(__dirname, '../../../..');
const entry = path.join(repository, 'keepers/devnet/chain/main.ts');
const sinks = [0, 1, 2].map((index) => `0:${String(index).repeat(64)}`);
let directory: ReturnType<typeof temporaryDirectory>;

beforeEach(() => {
    directory = temporaryDirectory();
});

afterEach(() => directory.remove());

/** Everything a client can ask about the chain and these accounts. */
async function answersOf(chain: { url: string; endpoint: string }): Promise<unknown> {
    const reads = ['info', 'accounts', 'ledger'].map((name) => get(`${chain.url}/devnet/${name}`));
    const histories = sinks.map((address) => rpc(chain, 'getTransactions', { address, limit: 100 }));
    const accounts = sinks.map((address) => rpc(chain, 'getAddressInformation', { address }));
    return Promise.all([...reads, ...histories, ...accounts, rpc(chain, 'getMasterchainInfo')]);
}

async function pay(chain: { url: string }, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1)
        await resultOf(fund(chain, sinks[index % 3]!, 1_000n + BigInt(index)));
}

function journalOf(directoryPath: string): string {
    return path.join(
        directoryPath,
        readdirSync(directoryPath).find((name) => name.startsWith('journal-'))!,
    );
}

describe('a chain on disk', () => {
    it('answers the same after a restart, from journal, snapshot and both', async () => {
        const options: DevnetChainOptions = { stateDir: directory.path, snapshotEvery: 4 };
        const first = await startTestChain(options);
        await pay(first, 6);
        await resultOf(post(`${first.url}/devnet/warp`, { seconds: 1_000 }));
        await pay(first, 1);
        const before = await answersOf(first);
        // A crash leaves the directory as it is now: a copy of it stands for one.
        const crashed = temporaryDirectory();
        for (const name of readdirSync(directory.path).filter((file) => file !== 'lock')) {
            writeFileSync(path.join(crashed.path, name), readFileSync(path.join(directory.path, name)));
        }
        await first.close();
        const cleanly = await startTestChain(options);
        const fromCrash = await startTestChain({ ...options, stateDir: crashed.path });
        expect(await answersOf(cleanly)).toEqual(before);
        expect(await answersOf(fromCrash)).toEqual(before);
        await pay(cleanly, 2);
        await pay(fromCrash, 2);
        expect(await answersOf(fromCrash)).toEqual(await answersOf(cleanly));
        await Promise.all([cleanly.close(), fromCrash.close()]);
        crashed.remove();
    });

    it('ignores a torn tail, and refuses a damaged middle', async () => {
        const options = { stateDir: directory.path };
        const first = await startTestChain(options);
        await pay(first, 3);
        const before = await answersOf(first);
        const journal = readFileSync(journalOf(directory.path));
        await first.close();

        const torn = temporaryDirectory();
        writeFileSync(path.join(torn.path, 'genesis.json'), readFileSync(path.join(directory.path, 'genesis.json')));
        const copy = path.join(torn.path, 'journal-0.log');
        writeFileSync(copy, journal);
        appendFileSync(copy, '0123456789abcdef {"kind":"mess');
        const second = await startTestChain({ stateDir: torn.path });
        expect(await answersOf(second)).toEqual(before);
        await second.close();

        const damaged = temporaryDirectory();
        writeFileSync(path.join(damaged.path, 'genesis.json'), readFileSync(path.join(directory.path, 'genesis.json')));
        journal[40]! ^= 1;
        writeFileSync(path.join(damaged.path, 'journal-0.log'), journal);
        await expect(startTestChain({ stateDir: damaged.path })).rejects.toMatchObject({ code: 'state_corrupt' });
        for (const used of [torn, damaged]) used.remove();
    });

    it('drops transactions that a snapshot wrote without being finished', async () => {
        const options = { stateDir: directory.path, snapshotEvery: 2 };
        const first = await startTestChain(options);
        await pay(first, 4);
        const before = await answersOf(first);
        await first.close();
        const history = path.join(directory.path, 'history.log');
        appendFileSync(history, '["half a line');
        const second = await startTestChain(options);
        expect(await answersOf(second)).toEqual(before);
        await second.close();
        truncateSync(history, 10);
        await expect(startTestChain(options)).rejects.toMatchObject({ code: 'state_corrupt' });
    });

    it('belongs to one process and one genesis', async () => {
        const options = { stateDir: directory.path };
        const first = await startTestChain(options);
        await expect(startTestChain(options)).rejects.toMatchObject({ code: 'state_in_use' });
        await first.close();
        const other = startTestChain({ ...options, seed: 'another', feeConfig: 'mainnet-2026' });
        await expect(other).rejects.toMatchObject({ code: 'state_mismatch' });
        await expect(other).rejects.toThrow('seed, feeConfig');
        await (await startTestChain(options)).close();
    });

    it('never lets time run backwards, whatever the machine says', async () => {
        const clock = new ManualClock(1_800_000_000_000);
        const options: DevnetChainOptions = { stateDir: directory.path, seed: 'clock' };
        const first = await startDevnetChain(options, clock);
        await pay(first, 1);
        await first.close();
        clock.setBy(-3_600_000);
        const second = await startDevnetChain(options, clock);
        expect(await resultOf(get(`${second.url}/devnet/info`))).toMatchObject({ now: 1_800_000_000 });
        await second.close();
    });
});

interface Child {
    process: ChildProcess;
    url: string;
    endpoint: string;
}

async function startChild(stateDir: string): Promise<Child> {
    const args = [
        '--port',
        '0',
        '--seed',
        'tests',
        '--time',
        'manual',
        '--snapshot-every',
        '7',
        '--state-dir',
        stateDir,
    ];
    const child = spawn(process.execPath, [...typescriptNode, entry, ...args], {
        cwd: repository,
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return { process: child, ...(JSON.parse(line) as { url: string; endpoint: string }) };
}

describe('kill -9', () => {
    it('loses no acknowledged message', async () => {
        const child = await startChild(directory.path);
        const client = clientOf(child);
        const { keys, contract } = walletOf(client, 'loader');
        await resultOf(fund(child, contract.address, toNano('100')));
        const messages = [internal({ to: sinks[0]!, value: 1_000n, bounce: false })];
        let acknowledged = 0;
        const load = (async () => {
            for (let seqno = 0; ; seqno += 1) {
                await contract.sendTransfer({ seqno, secretKey: keys.secretKey, messages, sendMode: 1 });
                acknowledged = seqno + 1;
                if (acknowledged === 12) child.process.kill('SIGKILL');
            }
        })();
        await expect(load).rejects.toThrow();
        if (child.process.exitCode === null && child.process.signalCode === null) await once(child.process, 'exit');

        const again = await startTestChain({ stateDir: directory.path });
        const wallet = walletOf(clientOf(again), 'loader').contract;
        const seqno = await wallet.getSeqno();
        expect(acknowledged).toBeGreaterThanOrEqual(12);
        // The message in flight when the process died may be in or out.
        expect([acknowledged, acknowledged + 1]).toContain(seqno);
        const received = await rpc(again, 'getTransactions', { address: sinks[0], limit: 100 });
        expect(received.result).toHaveLength(seqno);
        expect(await resultOf(get(`${again.url}/devnet/ledger`))).toMatchObject({ conserved: true });
        await wallet.sendTransfer({ seqno, secretKey: keys.secretKey, messages, sendMode: 1 });
        expect(await wallet.getSeqno()).toBe(seqno + 1);
        await again.close();
    });
});
