import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FollowedNodeLog, NodeLog, readNodeLogSettleable } from '../../../keepers/ledger';
import { logEntry, nodeB } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const nowMs = Date.now();
const hourMs = 3_600_000;
let files = 0;

/** @param ageHours old enough to be compacted away unless it is the latest */
const entry = (sequence: number, { nodeKey, ageHours = 0 }: { nodeKey?: Buffer; ageHours?: number } = {}) => ({
    ...logEntry({ sequence, cost: 5n, cumulative: BigInt(sequence) * 5n, capCumulative: 1_000n, nodeKey }),
    atMs: nowMs - ageHours * hourMs,
});

async function opened() {
    const file = path.join(folder, `${files++}.jsonl`);
    return { file, log: await NodeLog.open(file), followed: new FollowedNodeLog(file) };
}

const sequencesOf = async (followed: FollowedNodeLog) =>
    (await followed.settleable()).map(({ receipt }) => receipt.sequence);

it('a followed log says what reading all of it says, after every line', async () => {
    const { file, log, followed } = await opened();
    expect(await followed.settleable()).toEqual([]);
    for (const one of [entry(2), entry(1, { nodeKey: nodeB }), entry(3), entry(1), entry(7, { nodeKey: nodeB })]) {
        await log.append(one);
        expect(await followed.settleable()).toEqual(await readNodeLogSettleable(file));
    }
    await log.close();
});

it('a followed log is not read again from its beginning', async () => {
    const { file, log, followed } = await opened();
    await log.append(entry(1));
    await log.close();
    expect(await sequencesOf(followed)).toEqual([1]);
    const first = readFileSync(file, 'utf8');
    writeFileSync(file, first.replace(/./g, '#'), { flag: 'r+' });
    const more = await NodeLog.open(path.join(folder, `${files++}.jsonl`));
    await more.append(entry(2));
    appendFileSync(file, readFileSync(path.join(folder, `${files - 1}.jsonl`)));
    await more.close();
    expect(await sequencesOf(followed)).toEqual([2]);
    await expect(readNodeLogSettleable(file)).rejects.toMatchObject({ code: 'log_corrupt' });
});

it('a followed log that was compacted is read anew', async () => {
    const { log, followed } = await opened();
    for (let sequence = 1; sequence <= 40; sequence++) await log.append(entry(sequence, { ageHours: 10 }));
    expect(await sequencesOf(followed)).toEqual([40]);
    await log.compact(nowMs - 3 * hourMs, async () => undefined);
    for (let sequence = 41; sequence <= 44; sequence++) {
        await log.append(entry(sequence));
        expect(await sequencesOf(followed)).toEqual([sequence]);
    }
    await log.close();
});

it('a line that was torn is read once it is whole', async () => {
    const { file, log, followed } = await opened();
    await log.append(entry(1));
    const whole = readFileSync(file);
    await log.append(entry(2));
    await log.close();
    const both = readFileSync(file);
    truncateSync(file, whole.length + 10);
    expect(await sequencesOf(followed)).toEqual([1]);
    appendFileSync(file, both.subarray(whole.length + 10));
    expect(await sequencesOf(followed)).toEqual([2]);
});

it('damage in a followed log is named by its line, again and again', async () => {
    const { file, log, followed } = await opened();
    await log.append(entry(1));
    await log.close();
    expect(await sequencesOf(followed)).toEqual([1]);
    appendFileSync(file, 'nonsense\n');
    for (let look = 0; look < 2; look++)
        await expect(followed.settleable()).rejects.toMatchObject({ code: 'log_corrupt', context: { lineNumber: 2 } });
});
