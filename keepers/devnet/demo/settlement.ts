import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { Escrow } from '../../../wrappers';
import { programFile } from '../../base';
import { DevnetError } from '../errors';
import type { LocalNetwork } from '../network/local-network';

const nano = z.string().transform(BigInt);
const summarySchema = z.object({ lines: z.number(), settledNano: nano, costNano: nano, failures: z.array(z.string()) });
export type Settled = z.output<typeof summarySchema>;

/** `cocoon settle --force`, as an operator would run it: a demo's receipts are worth less than the gas of settling them. */
export async function settleNow(network: LocalNetwork): Promise<Settled> {
    const args = [programFile(), 'settle', '--config', network.layout.config('settler'), '--force', '--json'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args).catch(outputOf);
    if (stdout === '') throw new DevnetError('demo_failed', `settling failed: ${stderr}`);
    return summarySchema.parse(JSON.parse(stdout));
}

/** Exit code 1 says that a batch was not taken; the summary still stands on standard output. */
function outputOf(error: unknown): { stdout: string; stderr: string } {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return { stdout: stdout ?? '', stderr: stderr ?? String(error) };
}

/** What the escrow has paid each node in this epoch, as the chain has it. */
export async function paidOnChain(network: LocalNetwork): Promise<Map<string, bigint>> {
    return (await network.client.open(Escrow.createFromAddress(network.escrow)).getState()).paidNano;
}

/** Settles until the chain has paid `wantedNano` in all; another settler may come first, that changes nothing. */
export async function settleUntilPaid(
    network: LocalNetwork,
    wantedNano: bigint,
): Promise<{ settled: Settled[]; paidNano: bigint }> {
    const settled: Settled[] = [];
    let failures: string[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
        settled.push(await settleNow(network));
        failures = settled.at(-1)!.failures;
        const paidNano = [...(await paidOnChain(network)).values()].reduce((sum, amount) => sum + amount, 0n);
        if (paidNano >= wantedNano) return { settled, paidNano };
    }
    throw new DevnetError(
        'demo_failed',
        `the receipts were not settled: ${failures.join(', ') || 'nothing was refused'}`,
    );
}
