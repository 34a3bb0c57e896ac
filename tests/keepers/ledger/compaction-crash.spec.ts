import { spawn } from 'node:child_process';
import path from 'node:path';
import { NodeLog, scanNodeLog } from '../../../keepers/ledger';
import { bytes } from './record-bytes';
import { temporaryFolder } from './temporary-folder';
import { typescriptNode } from '../../support/typescript-node';

const file = path.join(temporaryFolder(), 'node.log');
const rounds = 4;

/** Kills it at random from its first compaction on; gives what it acknowledged. */
function writeUntilKilled(round: number): Promise<string[]> {
    const script = path.join(__dirname, 'compaction-crash-writer.ts');
    const child = spawn(process.execPath, [...typescriptNode, script, file, String(round)], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Promise((resolve, reject) => {
        let output = '';
        let complaint = '';
        let timer: NodeJS.Timeout | undefined;
        child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
        child.stdout.on('data', (chunk: Buffer) => {
            output += chunk.toString();
            if (output.includes('compacted')) timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * 100);
        });
        child.on('close', (_code, signal) => {
            if (signal !== 'SIGKILL') return reject(new Error(`writer ended by itself: ${complaint}`));
            // The last line may have been cut by the kill.
            resolve(output.split('\n').slice(0, -1));
        });
    });
}

/** By node: how many receipts are there, in lines of their own or in what stands for them, and the latest line. */
async function survivors(): Promise<Map<string, { receipts: number; latest: number }>> {
    const found = new Map<string, { receipts: number; latest: number }>();
    const count = (nodeKey: Buffer, receipts: number, sequence: number) => {
        const known = found.get(nodeKey.toString('hex')) ?? { receipts: 0, latest: 0 };
        const latest = Math.max(known.latest, sequence);
        found.set(nodeKey.toString('hex'), { receipts: known.receipts + receipts, latest });
    };
    await scanNodeLog(file, ({ receipt }) => count(receipt.nodeKey, 1, receipt.sequence), {
        onSummary: ({ nodeKey, finals }) => count(nodeKey, finals, 0),
    });
    return found;
}

it('kill -9 while a log is written anew loses no acknowledged receipt and counts none twice', async () => {
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
        for (const line of await writeUntilKilled(round)) {
            const [kind, lane, i] = line.split(' ') as [string, string, string];
            if (kind === 'logged') acknowledged.set(bytes(lane).toString('hex'), Number(i));
        }
        await (await NodeLog.open(file)).close();
        const found = await survivors();
        for (const [node, sequence] of acknowledged) {
            const { receipts, latest } = found.get(node) ?? { receipts: 0, latest: 0 };
            expect(latest).toBeGreaterThanOrEqual(sequence);
            expect(receipts).toBe(latest);
        }
    }
    expect(acknowledged.size).toBeGreaterThan(rounds);
}, 240_000);
