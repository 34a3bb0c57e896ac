import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readFileSync, writeFileSync } from 'node:fs';
import OpenAI from 'openai';
import { type ChaosNetwork, gatewayNames, nodeNames } from './chaos-network';
import type { Diary } from './diary';
import { chaosModel } from './engine';
import type { Supervisor } from './supervisor';

const cocoon = path.resolve(__dirname, '../../keepers/cli/cocoon.cjs');
const lookMs = 300;
/** For everything to be back by itself: a node that starts again has its quote verified on chain first. */
const convergeMs = 600_000;

/** Tries until `probe` is true. @throws when it never is */
async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + convergeMs;
    let last: unknown;
    while (performance.now() < endMs) {
        try {
            if (await probe()) return;
        } catch (error) {
            last = error;
        }
        await sleep(lookMs);
    }
    throw new Error(`${convergeMs / 1000} s after the storm still not so: ${what}`, { cause: last });
}

/** Nothing goes wrong any more: everything must come back without anyone's help, and serve. */
export async function converge(network: ChaosNetwork, supervisor: Supervisor, diary: Diary): Promise<void> {
    await network.database?.settled();
    await until('every role runs', async () => supervisor.missing.length === 0);
    diary.tell('every role runs');
    for (const name of gatewayNames) {
        await until(`${name} trusts every node`, async () => {
            const response = await fetch(`${network.local.process(name).url}/readyz`);
            return ((await response.json()) as { trustedNodes: number }).trustedNodes >= nodeNames.length;
        });
        for (const node of nodeNames) await until(`${name} is answered by ${node}`, () => answers(network, name, node));
    }
    diary.tell('every node answers through every gateway');
}

async function answers(network: ChaosNetwork, gateway: string, node: string): Promise<boolean> {
    const { url } = network.local.process(gateway);
    const nodeKey = network.local.process(node).ready['nodeKey'] as string;
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0, timeout: 20_000 });
    const messages = [{ role: 'user' as const, content: 'Count.' }];
    const asked = { model: chaosModel, max_tokens: 4, messages };
    const { response } = await client.chat.completions
        .create(asked, { headers: { 'x-cocoon-node': nodeKey } })
        .withResponse();
    return response.ok;
}

/** As an operator settles what is too small to be worth it, then as each provider does from its own log. */
export async function settleAll(network: ChaosNetwork): Promise<void> {
    const { layout } = network.local;
    await settle(layout.config('settler'));
    const settings = JSON.parse(readFileSync(layout.config('settler'), 'utf8')) as Record<string, unknown>;
    for (const name of ['ledgerFile', 'ledgerUrl', 'ledgerPasswordFile']) delete settings[name];
    for (const name of nodeNames) {
        const file = layout.config(`settle-${name}`);
        writeFileSync(file, JSON.stringify({ ...settings, nodeLogFiles: [network.nodeLog(name)] }), { mode: 0o600 });
        await settle(file);
    }
}

/** Exit code 1: a batch was not taken, another settler was first for one; what the chain paid is looked at afterwards. */
async function settle(config: string): Promise<void> {
    const args = [cocoon, 'settle', '--config', config, '--force', '--json'];
    await promisify(execFile)(process.execPath, args).catch((error: { code?: number }) => {
        if (error.code !== 1) throw error;
    });
}
