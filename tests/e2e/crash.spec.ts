import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type OpenAI from 'openai';
import { isConserved } from '../../keepers/devnet/demo/conservation';
import { localTerms } from '../../keepers/devnet';
import { openDispatchLedger, readNodeLogSettleable, scanNodeLog } from '../../keepers/ledger';
import { claim, closeEscrow, withdraw, withdrawFees } from '../../keepers/operator';
import { mergeSettleable } from '../../keepers/settlement';
import { Escrow } from '../../wrappers';
import { expectReceiptHolds, type ReceiptAnswer } from './receipt';
import { eventually, RunningNetwork } from './running-network';

const running = new RunningNetwork();
const cocoon = path.resolve(__dirname, '../../keepers/cli/cocoon.cjs');
const question = {
    model: 'cocoon-toy',
    max_tokens: 24,
    messages: [{ role: 'user' as const, content: 'The king went down' }],
};
/** Final receipts that a client was shown; none may ever be lost. */
const acknowledged: ReceiptAnswer[] = [];

const receiptOf = (id: string) => running.getJson<ReceiptAnswer>(`/cocoon/receipts/${id}`);
const kill = (name: string) => running.network.process(name).stop('SIGKILL');

async function restart(name: string): Promise<void> {
    await running.network.restart(name);
    await running.network.gatewayReady();
}

async function ask(options: { node?: string; maxRetries?: number } = {}): Promise<void> {
    const { node, maxRetries = 0 } = options;
    const headers = node === undefined ? {} : { 'x-cocoon-node': node };
    const client = running.client({ maxRetries });
    const { data, response } = await client.chat.completions.create(question, { headers }).withResponse();
    expect(data.choices[0]!.message.content).toMatch(/\S/);
    const kept = await receiptOf(response.headers.get('x-cocoon-receipt')!);
    expectReceiptHolds(kept);
    acknowledged.push(kept);
}

interface LongAnswer {
    id: string;
    node: string;
    /** Whether it broke off; never rejects. */
    ended: Promise<'whole' | 'broken'>;
}

/** A stream of several seconds, of which the first words are there. */
async function beginLong(node?: string): Promise<LongAnswer> {
    const headers = node === undefined ? {} : { 'x-cocoon-node': node };
    const body = { ...question, max_tokens: 1_900, n: 4, stream: true as const };
    const { data, response } = await running.client().chat.completions.create(body, { headers }).withResponse();
    const words = data[Symbol.asyncIterator]();
    await words.next();
    await words.next();
    return {
        id: response.headers.get('x-cocoon-receipt')!,
        node: response.headers.get('x-cocoon-node')!,
        ended: readOut(words),
    };
}

async function readOut(words: AsyncIterator<OpenAI.ChatCompletionChunk>): Promise<'whole' | 'broken'> {
    try {
        while ((await words.next()).done !== true);
        return 'whole';
    } catch {
        return 'broken';
    }
}

/** The receipt of an answer that broke off is found without anyone's help. */
function foundReceipt(id: string): Promise<ReceiptAnswer> {
    return eventually(`the receipt of ${id}`, async () => {
        const kept = await receiptOf(id);
        if (kept.state !== 'final') return undefined;
        expectReceiptHolds(kept);
        acknowledged.push(kept);
        return kept;
    });
}

running.test('a signal opens no debugger in a gateway or a node, and harms neither', async () => {
    const { network } = running;
    for (const name of ['gateway', 'node-1']) process.kill(network.process(name).pid, 'SIGUSR1');
    await ask({ node: network.nodeKeys()[0]! });
    for (const name of ['gateway', 'node-1']) {
        const log = readFileSync(network.layout.log(name), 'utf8');
        expect(log).not.toMatch(/debugger/i);
        expect(network.process(name).running).toBe(true);
    }
});

running.test('a gateway killed in mid-stream finds the receipt of the broken answer when it is back', async () => {
    await ask();
    const long = await beginLong();
    await kill('gateway');
    expect(await long.ended).toBe('broken');
    await restart('gateway');
    await ask();
    const found = await foundReceipt(long.id);
    expect(BigInt(found.receipt!.costNano)).toBeGreaterThan(0n);
    expect(BigInt(found.receipt!.costNano)).toBeLessThan(BigInt(found.worstCaseNano));
});

running.test('without a killed node the others serve; with a new key it is back', async () => {
    const [victim, other] = running.network.nodeKeys();
    const long = await beginLong(victim);
    await kill('node-1');
    expect(await long.ended).toBe('broken');
    await ask({ maxRetries: 5 });
    await ask({ node: other, maxRetries: 5 });
    await restart('node-1');
    const fresh = running.network.nodeKeys()[0]!;
    expect(fresh).not.toBe(victim);
    await eventually('the gateway trusts the new key', async () => {
        const { nodes } = await running.getJson<{ nodes: { nodeKey: string; trusted: boolean }[] }>('/cocoon/nodes');
        return nodes.find(({ nodeKey, trusted }) => nodeKey === fresh && trusted);
    });
    await ask({ node: fresh });
    // Its key died with it, so no final receipt can come; until the key expires the chain would still pay the cap.
    const lost = await receiptOf(long.id);
    expect(lost.state).toBe('lost');
    const status = await running.getJson<{ reservedNano: string }>('/cocoon/status');
    expect(status.reservedNano).toBe(lost.worstCaseNano);
});

running.test('requests made while the dispatcher is down are answered when it is back', async () => {
    const long = await beginLong();
    await kill('dispatcher');
    expect(await long.ended).toBe('broken');
    const patient = ask({ maxRetries: 60 });
    await restart('dispatcher');
    await patient;
    await foundReceipt(long.id);
});

running.test('a killed settler disturbs nobody and comes back', async () => {
    const long = await beginLong();
    await kill('settler');
    expect(await long.ended).toBe('whole');
    await foundReceipt(long.id);
    await restart('settler');
    await ask();
});

running.test('a chain that was down is waited for, and nodes and gateways that start later still verify', async () => {
    const long = await beginLong();
    await kill('chain');
    expect(await long.ended).toBe('whole');
    const patient = ask({ maxRetries: 60 });
    await restart('chain');
    await patient;
    await foundReceipt(long.id);
    await kill('gateway');
    await restart('gateway');
    await ask();
});

running.test('after all of that, what was signed is on disk twice, is settled once, and adds up', async () => {
    const { network } = running;
    const escrow = network.client.open(Escrow.createFromAddress(network.escrow));
    const { balanceNano: depositNano } = await escrow.getState();
    await network.act('client', await closeEscrow(network.actors.context('client'), {}));
    await eventually('the closing escrow is refused', () =>
        ask().then(
            () => undefined,
            (error: unknown) => {
                expect(error).toMatchObject({ status: 402, code: 'escrow_not_open' });
                return true;
            },
        ),
    );
    const owedNano = await expectNothingLost();

    await killInMidSettlement();
    await settle('settler');
    await settleFromNodeLogs();
    const paidNano = sum((await escrow.getState()).paidNano.values());
    expect(paidNano).toBe(owedNano);
    await settle('settler');
    expect(sum((await escrow.getState()).paidNano.values())).toBe(owedNano);

    const claimedNano: bigint[] = [];
    for (const { owner } of network.nodes)
        claimedNano.push((await network.act(owner, await claim(network.actors.context(owner), {})))!.claimedNano);
    const fees = (await network.act('operator', await withdrawFees(network.actors.context('operator'), {})))!;
    expect(claimedNano.every((amountNano) => amountNano > 0n)).toBe(true);
    expect(fees.withdrawnNano).toBeGreaterThan(0n);
    expect(sum(claimedNano) + fees.withdrawnNano).toBe(paidNano);

    await network.devnet.warp(localTerms.closeDelaySec + 1);
    const { withdrawnNano } = (await network.act('client', await withdraw(network.actors.context('client'), {})))!;
    expect(withdrawnNano).toBe(depositNano - paidNano);
    expect(isConserved(network.totalsAtStart, await network.devnet.totals())).toBe(true);
});

/** Every receipt that a client saw is in the dispatcher's ledger and in its node's log; gives what they come to. */
async function expectNothingLost(): Promise<bigint> {
    const { network } = running;
    const logs = network.nodes.map(({ name }) => network.layout.data(`${name}.receipts.jsonl`));
    const logged = new Set<string>();
    for (const log of logs)
        await scanNodeLog(log, ({ final, signature }) => final && logged.add(signature.toString('hex')));
    const ledger = await openDispatchLedger({ file: network.layout.data('dispatcher.sqlite') });
    try {
        const stored = new Set(
            (await ledger.finalReceipts({ limit: 10_000 })).map(({ signature }) => signature.toString('hex')),
        );
        expect(acknowledged.length).toBeGreaterThan(10);
        for (const { receipt } of acknowledged) {
            expect(stored).toContain(receipt!.signature);
            expect(logged).toContain(receipt!.signature);
        }
        const own = await Promise.all(logs.map((log) => readNodeLogSettleable(log)));
        const latest = mergeSettleable([...(await ledger.settleable()), ...own.flat()]);
        return sum(latest.map(({ receipt }) => receipt.cumulativeNano));
    } finally {
        await ledger.close();
    }
}

/** Dies between having recorded what it is about to send and knowing what came of it. */
async function killInMidSettlement(): Promise<void> {
    const file = running.network.layout.config('settler');
    const settler = spawn(process.execPath, [cocoon, 'settle', '--config', file, '--force'], { stdio: 'ignore' });
    const gone = once(settler, 'exit');
    const ledger = await openDispatchLedger({ file: running.network.layout.data('dispatcher.sqlite') });
    try {
        await eventually('an open settlement', async () => (await ledger.outbox.open('settle'))[0]);
    } finally {
        await ledger.close();
        settler.kill('SIGKILL');
        await gone;
    }
}

/** As `cocoon settle` does it for an operator; what another settler did first is no failure. */
async function settle(config: string): Promise<void> {
    const args = [cocoon, 'settle', '--config', running.network.layout.config(config), '--force', '--json'];
    await promisify(execFile)(process.execPath, args);
}

/** What a node signed but its dispatcher never got, its provider settles alone. */
async function settleFromNodeLogs(): Promise<void> {
    const { layout, nodes } = running.network;
    const settings = JSON.parse(readFileSync(layout.config('settler'), 'utf8')) as Record<string, unknown>;
    delete settings['ledgerFile'];
    for (const { name } of nodes) {
        const nodeLogFile = layout.data(`${name}.receipts.jsonl`);
        writeFileSync(layout.config(`settle-${name}`), JSON.stringify({ ...settings, nodeLogFiles: [nodeLogFile] }));
        await settle(`settle-${name}`);
    }
}

function sum(amounts: Iterable<bigint>): bigint {
    let totalNano = 0n;
    for (const amountNano of amounts) totalNano += amountNano;
    return totalNano;
}
