import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { localTerms } from '../../keepers/devnet';
import { readNodeLogSettleable } from '../../keepers/ledger';
import { claim, closeEscrow, withdraw } from '../../keepers/operator';
import { Escrow } from '../../wrappers';
import { RunningNetwork } from './running-network';

const running = new RunningNetwork();
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
