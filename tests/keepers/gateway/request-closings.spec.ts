import { ManualClock, silentLogger } from '../../../keepers/base';
import { LedgerError } from '../../../keepers/ledger';
import { RequestClosings } from '../../../keepers/gateway/request-closings';

const id = Buffer.alloc(16, 1);

/** A ledger that takes nothing until it has room. */
function fullLedger() {
    const written: string[] = [];
    const ledger = {
        full: true,
        code: 'ledger_write_failed' as 'ledger_write_failed' | 'request_state_invalid',
        written,
    };
    const write = (how: string) => async (_requestId: Buffer, code: string) => {
        if (ledger.full) throw new LedgerError(ledger.code, 'no');
        written.push(`${how} ${code}`);
    };
    const closings = new RequestClosings({
        ledger: { fail: write('fail'), lose: write('lose') },
        clock: new ManualClock(0),
        logger: silentLogger(),
    });
    return { ledger, closings };
}

test('what a full ledger did not take is written once it has room, and once only', async () => {
    const { ledger, closings } = fullLedger();
    await closings.lose(id, 'answer_truncated');
    await closings.fail(Buffer.alloc(16, 2), 'node_busy');
    await closings.retry();
    expect(ledger.written).toEqual([]);
    ledger.full = false;
    await closings.retry();
    await closings.retry();
    expect(ledger.written).toEqual(['lose answer_truncated', 'fail node_busy']);
});

test('a request that has ended otherwise in the meantime is left as it is', async () => {
    const { ledger, closings } = fullLedger();
    await closings.lose(id, 'answer_truncated');
    ledger.code = 'request_state_invalid';
    await closings.retry();
    ledger.full = false;
    await closings.retry();
    expect(ledger.written).toEqual([]);
});
