import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FollowedNodeLog, NodeLog, scanNodeLog } from '../../../keepers/ledger';
import { typescriptNode } from '../../support/typescript-node';
import { logEntry } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let files = 0;
const logFile = () => path.join(folder, `${files++}.jsonl`);
const entry = (sequence: number) =>
    logEntry({ sequence, cost: 5n, cumulative: BigInt(sequence) * 5n, capCumulative: 100n });
const inUse = { code: 'log_in_use', action: 'fix' };

async function sequences(file: string): Promise<number[]> {
    const found: number[] = [];
    await scanNodeLog(file, ({ receipt }) => void found.push(receipt.sequence));
    return found;
}

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** A process of its own that has the log open, with one line in it. */
async function holder(file: string): Promise<ChildProcess> {
    const script = path.join(__dirname, 'log-holder.ts');
    const child = spawn(process.execPath, [...typescriptNode, script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
}

it('a log is of one process at a time: a second one is refused and changes nothing', async () => {
    const file = logFile();
    await holder(file);
    // What the other may be about to write, and to put in its place.
    appendFileSync(file, 'begun');
    writeFileSync(`${file}.compacting`, 'begun');
    const before = readFileSync(file, 'utf8');
    await expect(NodeLog.open(file)).rejects.toMatchObject(inUse);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(existsSync(`${file}.compacting`)).toBe(true);
});

it('a log is free the moment that its process is killed, whatever lies beside it', async () => {
    const file = logFile();
    const child = await holder(file);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(statSync(`${file}.lock`).size).toBe(0);
    const log = await NodeLog.open(file);
    await log.append(entry(2));
    await log.close();
    expect(await sequences(file)).toEqual([1, 2]);
});

it('a log is followed by others while its process writes', async () => {
    const file = logFile();
    await holder(file);
    expect(await new FollowedNodeLog(file).settleable()).toMatchObject([{ receipt: { sequence: 1 } }]);
});

it('within one process too a log is opened once, and again after it was closed or could not be read', async () => {
    const file = logFile();
    const log = await NodeLog.open(file);
    await log.append(entry(1));
    await expect(NodeLog.open(file)).rejects.toMatchObject(inUse);
    await log.append(entry(2));
    await log.close();
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, `nonsense\n${whole}`);
    await expect(NodeLog.open(file)).rejects.toMatchObject({ code: 'log_corrupt' });
    writeFileSync(file, whole);
    await (await NodeLog.open(file)).close();
    expect(await sequences(file)).toEqual([1, 2]);
    expect(statSync(`${file}.lock`).mode & 0o077).toBe(0);
});

it('a log that grows while it is looked through keeps its end: a lock does not reach another machine', async () => {
    const file = logFile();
    const log = await NodeLog.open(file);
    await log.append(entry(1));
    await log.append(entry(2));
    await log.close();
    const whole = readFileSync(file);
    truncateSync(file, whole.length - 7);
    const read = fs.createReadStream.bind(fs);
    const reading = jest.spyOn(fs, 'createReadStream').mockImplementation((...of) => {
        appendFileSync(file, whole.subarray(whole.length - 7));
        return read(...of);
    });
    await expect(NodeLog.open(file)).rejects.toMatchObject(inUse);
    reading.mockRestore();
    expect(readFileSync(file)).toEqual(whole);
});
