import path from 'node:path';
import { NodeLog, scanNodeLog } from '../../../keepers/ledger';
import { bytes } from './record-bytes';
import { temporaryFolder } from './temporary-folder';
import { writeUntilKilled } from './write-until-killed';

const file = path.join(temporaryFolder(), 'node.log');
const rounds = 4;

/** Killed at random from its first compaction on. */
function killedWriter(round: number): Promise<string[]> {
    return writeUntilKilled({
        script: 'compaction-crash-writer.ts',
        args: [file, String(round)],
        isUnderWay: (output) => output.includes('compacted'),
        withinMs: 100,
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
        for (const line of await killedWriter(round)) {
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
