import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { toNano } from '@ton/core';
import { ChainWallet, walletKeyFromSeed } from '../../keepers/chain';
import { localTerms } from '../../keepers/devnet';
import { readNodeLogSettleable } from '../../keepers/ledger';
import { claim, closeEscrow, revokePlatform, withdraw } from '../../keepers/operator';
import { Escrow, Payout, Provider } from '../../wrappers';
import { eventually, RunningNetwork } from './running-network';

/** So dear that one answer is worth fifty times its settlement. */
const dear = {
    prices: { inputNano: '0', cachedInputNano: '0', outputNano: '500000000000000', reasoningNano: '500000000000000' },
    creditLineNano: '20000000000',
    settleOwn: 'always',
    settleOwnIntervalMs: 1_000,
};

const running = new RunningNetwork({
    settings: async (name, settings) => (name === 'node-2' ? { ...settings, ...dear } : settings),
});
const cocoon = path.resolve(__dirname, '../../keepers/cli/cocoon.cjs');
const question = {
    model: 'cocoon-toy',
    max_tokens: 16,
    messages: [{ role: 'user' as const, content: 'And the people' }],
};

/** As docs/providers.md says it: a settler's configuration with the node's log in place of a ledger. */
async function settleFromLog(name: string): Promise<{ settledNano: string; failures: string[] }> {
    const { layout } = running.network;
    const settings = JSON.parse(readFileSync(layout.config('settler'), 'utf8')) as Record<string, unknown>;
    delete settings['ledgerFile'];
    delete settings['admin'];
    const file = layout.config(`alone-${name}`);
    const nodeLogFiles = [layout.data(`${name}.receipts.jsonl`)];
    writeFileSync(file, JSON.stringify({ ...settings, nodeLogFiles }), { mode: 0o600 });
    const args = [cocoon, 'settle', '--config', file, '--force', '--json'];
    return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as never;
}

/** A watchdog's configuration, with a gas wallet of its own that holds ten TON. */
async function watchdogSettings(): Promise<Record<string, unknown>> {
    const { network } = running;
    const settings = JSON.parse(readFileSync(network.layout.config('settler'), 'utf8')) as Record<string, unknown>;
    for (const name of ['role', 'admin', 'intervalMs']) delete settings[name];
    const { file: gasWalletFile, seed } = network.actors.keyFile('gas-watchdog');
    const { address } = new ChainWallet({ client: network.client, key: walletKeyFromSeed(seed) });
    await network.devnet.faucet(address, toNano('10'));
    return { ...settings, gasWalletFile, watch: { intervalMs: 1_000 } };
}

async function dryRun(settings: object): Promise<{ acts: object[]; costNano: string }> {
    const file = running.network.layout.config('watchdog-dry');
    writeFileSync(file, JSON.stringify({ role: 'watchdog', ...settings }), { mode: 0o600 });
    const { stdout } = await promisify(execFile)(process.execPath, [cocoon, 'watchdog', '--dry-run', '--config', file]);
    return JSON.parse(stdout) as never;
}

running.test('a node whose dispatcher and settler are gone is paid what it earned, by itself', async () => {
    const { network } = running;
    const nodeKey = network.nodeKeys()[1]!;
    await network.process('settler').stop('SIGKILL');
    const headers = { 'x-cocoon-node': nodeKey };
    const { usage } = await running.client().chat.completions.create(question, { headers });
    await network.process('dispatcher').stop('SIGKILL');
    const owedNano = (BigInt(usage!.completion_tokens) * BigInt(dear.prices.outputNano)) / 1_000_000n;
    expect(owedNano).toBeGreaterThan(toNano('1'));
    const escrow = network.client.open(Escrow.createFromAddress(network.escrow));
    const paidNano = await eventually('the node is paid', async () => (await escrow.getState()).paidNano.get(nodeKey));
    expect(paidNano).toBe(owedNano);
    await network.restart('dispatcher');
    await network.restart('settler');
    await network.gatewayReady();
});

running.test('a watchdog names in a dry run what it then does, and stops when it is told to', async () => {
    const { network } = running;
    const key = network.nodeKeys()[1]!;
    const nodeKey = Buffer.from(key, 'hex');
    const { provider } = network.nodes[1]!;
    const { platformId } = (await network.client.open(Provider.createFromAddress(provider)).getKey(nodeKey))!;
    const governance = network.actors.context('governance');
    await network.act('governance', await revokePlatform(governance, { platformId }));
    const settings = await watchdogSettings();
    expect(await dryRun(settings)).toMatchObject({
        acts: [{ kind: 'recheck', key, outcome: 'dry_run' }],
        costNano: '0',
    });
    const hub = network.client.open(Payout.createFromAddress(network.hub));
    expect((await hub.getNode(nodeKey))!.revokedAt).toBeNull();

    const watchdog = await network.startRole('watchdog', 'watchdog', settings);
    await eventually('the hub knows it', async () => (await hub.getNode(nodeKey))!.revokedAt ?? undefined);
    const metrics = await eventually('the watchdog has counted it', async () => {
        const text = await (await fetch(`${watchdog.ready['adminUrl'] as string}/metrics`)).text();
        return text.includes('cocoon_watchdog_acts_total{kind="recheck"} 1') ? text : undefined;
    });
    expect(metrics).toContain('cocoon_outbox_closed_total{outcome="confirmed"} 1');
    await watchdog.stop('SIGTERM');
    expect(existsSync(network.layout.data('dispatcher.sqlite.node-keys.json'))).toBe(true);
});

describe('with dispatcher, settler, gateway and registrar gone for good', () => {
    running.test('a provider posts the receipts of its node’s log, is paid, and claims', async () => {
        const { network } = running;
        const { name, owner } = network.nodes[0]!;
        const nodeKey = network.process(name).ready['nodeKey'] as string;
        const headers = { 'x-cocoon-node': nodeKey };
        await running.client().chat.completions.create(question, { headers });
        for (const role of ['dispatcher', 'settler', 'gateway', 'registrar', name])
            await network.process(role).stop('SIGKILL');
        const signed = await readNodeLogSettleable(network.layout.data(`${name}.receipts.jsonl`));
        const owedNano = signed.reduce((sum, { receipt }) => sum + receipt.cumulativeNano, 0n);
        expect(owedNano).toBeGreaterThan(0n);
        expect((await settleFromLog(name)).failures).toEqual([]);
        const { paidNano } = await network.client.open(Escrow.createFromAddress(network.escrow)).getState();
        expect(paidNano.get(nodeKey)).toBe(owedNano);
        const claimed = await network.act(owner, await claim(network.actors.context(owner), {}));
        expect(claimed!.claimedNano).toBeGreaterThan(0n);
        expect(await settleFromLog(name)).toMatchObject({ settledNano: '0', failures: [] });
    });

    running.test('a client closes its escrow, waits, and withdraws all that is left', async () => {
        const { network } = running;
        const escrow = network.client.open(Escrow.createFromAddress(network.escrow));
        const { balanceNano } = await escrow.getState();
        const context = network.actors.context('client');
        await network.act('client', await closeEscrow(context, {}));
        await network.devnet.warp(localTerms.closeDelaySec + 1);
        await network.act('client', await withdraw(context, {}));
        expect(balanceNano).toBeGreaterThan(0n);
        expect(await escrow.getState()).toMatchObject({ phase: 'closed', balanceNano: 0n });
    });
});
