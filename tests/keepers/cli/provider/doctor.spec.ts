import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ManualClock } from '../../../../keepers/base';
import { type Check, runCheck } from '../../../../keepers/cli/provider/check';
import { runDoctor } from '../../../../keepers/cli/provider/doctor';
import { checkDisk } from '../../../../keepers/cli/provider/host-check';
import { openNodeContext } from '../../../../keepers/cli/provider/node-context';
import { runStatus } from '../../../../keepers/cli/provider/status';
import { checkTee } from '../../../../keepers/cli/provider/tee-check';
import { nodeFiles, type NodeStatus } from '../../../../keepers/node';
import { writeNodeStatus } from '../../../../keepers/node/status-file';
import { configured, folder, nowhere } from './configured-node';

interface Checked {
    check: string;
    state: string;
    detail: string;
    next: string | null;
}

describe('doctor, where nothing answers', () => {
    let json: { output: string; exitCode: number };
    let table: { output: string; exitCode: number };
    beforeAll(async () => {
        const config = await configured();
        [json, table] = await Promise.all([runDoctor({ config, json: true }), runDoctor({ config })]);
    });

    test('fails what it can not see, passes what it can, and says what to do about each', () => {
        const { checks } = JSON.parse(json.output) as { checks: Checked[] };
        const by = new Map(checks.map((one) => [one.check, one]));
        expect(json.exitCode).toBe(1);
        for (const name of ['chain', 'deployment', 'provider', 'gas', 'engine', 'clock'])
            expect([name, by.get(name)]).toMatchObject([name, { state: 'fail' }]);
        expect(by.get('tee')).toMatchObject({ state: 'ok', detail: expect.stringContaining('SIMULATED') as string });
        expect(by.get('disk')).toMatchObject({ state: 'ok' });
        for (const { state, next } of by.values()) expect(next === null).toBe(state === 'ok');
    });

    test('tells a person the same in a table', () => {
        expect(table.exitCode).toBe(1);
        expect(table.output).toMatch(/^fail {2}engine /m);
        expect(table.output).toMatch(/^ +-> start the inference server/m);
        expect(table.output).toMatch(/the node does not run$/);
    });
});

describe('doctor’s look at the machine', () => {
    test('fails a simulated TEE on a production network', async () => {
        const context = await openNodeContext({ config: await configured({ kind: 'production' }) });
        expect((await checkTee(context)).results).toMatchObject([{ check: 'tee', state: 'fail' }]);
    });

    test('names a TDX device that is missing', async () => {
        const reportPath = path.join(folder, 'no-configfs');
        const config = await configured({ settings: { tee: { kind: 'configfs-tsm', reportPath } } });
        const look: Check = async (context) => (await checkTee(context)).results;
        const results = await runCheck('tee', 'what to do', look, await openNodeContext({ config }));
        expect(results).toMatchObject([{ state: 'fail', next: 'what to do' }]);
        expect(results[0]!.detail).toContain(reportPath);
        expect(results[0]!.detail).toContain('ENOENT');
    });

    test('fails a folder for receipts that is not there', async () => {
        const config = await configured({ settings: { receiptLogFile: path.join(folder, 'none', 'receipts.jsonl') } });
        const results = await runCheck('disk', 'what to do', checkDisk, await openNodeContext({ config }));
        expect(results).toMatchObject([{ state: 'fail', next: 'what to do' }]);
    });
});

test('settings that are not valid are refused by name', async () => {
    const file = await configured({ settings: { hub: 'nonsense' } });
    await expect(runDoctor({ config: file })).rejects.toMatchObject({ code: 'config_invalid', action: 'fix' });
});

describe('status of a node that does not run', () => {
    const nowMs = Date.UTC(2026, 10, 23, 1);

    async function statusAfter(last: Partial<NodeStatus> | null) {
        const file = await configured();
        const { receiptLogFile } = JSON.parse(readFileSync(file, 'utf8')) as {
            receiptLogFile: string;
        };
        if (last !== null) {
            writeNodeStatus(nodeFiles({ receiptLogFile, outboxFile: undefined }).status, {
                version: 1,
                pid: 1,
                phase: 'serving',
                failure: null,
                startedAtMs: nowMs,
                updatedAtMs: nowMs,
                nodeKey: null,
                keyNotAfterSec: null,
                dispatcher: { url: nowhere, connected: false, problem: null },
                dispatchers: [],
                engine: null,
                offer: null,
                requests: { inFlight: 0, answered: 0, refused: {}, lastAtMs: null },
                ...last,
            });
        }
        const { output, exitCode } = await runStatus({ config: file, json: true }, new ManualClock(nowMs + 60_000));
        expect(exitCode).toBe(1);
        return (JSON.parse(output) as { reasons: { code: string; detail: string }[] }).reasons;
    }

    test.each([
        ['never ran', null, /no node has run/],
        ['was stopped', { phase: 'stopped' as const }, /was stopped/],
        ['was killed', {}, /killed/],
        [
            'failed to start',
            { phase: 'failed' as const, failure: { code: 'bond_missing', message: 'bond first' } },
            /bond first \(bond_missing\)/,
        ],
    ])('says that it %s', async (_what, last, detail) => {
        expect(await statusAfter(last)).toMatchObject([
            { code: 'not_running', detail: expect.stringMatching(detail) as string },
        ]);
    });
});
