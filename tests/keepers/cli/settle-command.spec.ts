import path from 'node:path';
import { describeReport, runSettleCommand } from '../../../keepers/cli/settle-command';
import { SettlementError, SettlerService, type SettlerReport } from '../../../keepers/settlement';
import { noneDeferred } from '../../../keepers/settlement/settlement-summary';
import { emptyView } from '../../../keepers/settlement/chain-candidates';
import { configuredRole } from './doctor/configured-roles';

const report = (over: Partial<SettlerReport>): SettlerReport => ({
    batches: 0,
    lines: 0,
    settledNano: 0n,
    costNano: 0n,
    outstandingNano: 0n,
    skipped: emptyView().skipped,
    held: 0,
    deferred: noneDeferred(),
    failures: [],
    overtaken: 0,
    unreadableLogs: [],
    ...over,
});
const missing = { file: '/data/b.jsonl', code: 'log_missing', message: '/data/b.jsonl is not there' };

async function settle(outcome: SettlerReport | Error, json: boolean) {
    const round = jest.spyOn(SettlerService.prototype, 'settleOnce');
    if (outcome instanceof Error) round.mockRejectedValueOnce(outcome);
    else round.mockResolvedValueOnce(outcome);
    const written = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const config = await configuredRole('settler', { logLevel: 'error' });
    try {
        const error = await runSettleCommand({ config, json }).then(
            () => null,
            (reason: unknown) => reason,
        );
        const { exitCode } = process;
        return { error, exitCode, output: written.mock.calls.map(([line]) => String(line)) };
    } finally {
        process.exitCode = undefined;
        written.mockRestore();
    }
}

describe('what settle tells people', () => {
    test('counts receipts and messages where all were settled', () => {
        const told = describeReport(
            report({ lines: 3, batches: 2, settledNano: 1_500_000_000n, costNano: 20_000_000n }),
            {},
        );
        expect(told).toBe('settled 3 receipt(s) in 2 message(s): 1.5 TON, for 0.02 TON of gas\noutstanding: 0 TON');
    });

    test('names nothing settled that was only tried, as with an empty gas wallet, and says why', () => {
        const tried = { lines: 1, batches: 1, outstandingNano: 909_600n, failures: ['insufficient_gas_money'] };
        expect(describeReport(report(tried), {}).split('\n')).toEqual([
            'settled nothing',
            'outstanding: 0.0009096 TON',
            'not settled: insufficient_gas_money; it is tried again by the next round',
        ]);
    });

    test('tells only the sum where some of the messages failed', () => {
        const partly = { lines: 3, batches: 2, settledNano: 7_000_000_000n, failures: ['charge_refused'] };
        expect(describeReport(report(partly), {})).toMatch(/^settled 7 TON\n/);
    });

    test('names each log that was not read', () => {
        const told = describeReport(report({ failures: ['log_missing'], unreadableLogs: [missing] }), {});
        expect(told).toContain('\nnot read: /data/b.jsonl is not there (log_missing)');
        expect(told).not.toContain('not settled');
    });
});

describe('cocoon settle', () => {
    test('exits with 1 where a log was not read, and the JSON object names it', async () => {
        const partly = report({ failures: ['log_missing'], unreadableLogs: [missing] });
        const { exitCode, output } = await settle(partly, true);
        expect(exitCode).toBe(1);
        expect(JSON.parse(output[0]!)).toMatchObject({ failures: ['log_missing'], unreadableLogs: [missing] });
    });

    test.each([
        ['a known error', new SettlementError('hub_unknown', 'it is no hub'), 'hub_unknown'],
        ['any other', new Error('EIO: i/o error, read'), 'unexpected'],
    ])(
        'without a round ends with %s as an error that has a code, and as an object under --json',
        async (_, thrown, code) => {
            const { message } = thrown;
            expect(await settle(thrown, false)).toMatchObject({ error: { code, message }, output: [] });
            const { error, output } = await settle(thrown, true);
            expect(error).toMatchObject({ code, message });
            expect(output.map((line) => JSON.parse(line) as object)).toEqual([{ error: { code, message } }]);
        },
    );

    test('tells settings that can not be read the same way', async () => {
        const written = jest.spyOn(console, 'log').mockImplementation(() => undefined);
        const config = path.join(__dirname, 'no-such-file.json');
        await expect(runSettleCommand({ config, json: true })).rejects.toMatchObject({ action: 'fix' });
        expect(JSON.parse(String(written.mock.calls[0]![0]))).toHaveProperty('error.code');
        written.mockRestore();
    });
});
