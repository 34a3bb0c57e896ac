import { ManualClock, silentLogger } from '../../../keepers/base';
import { type GatewayReceipt, LedgerError, type LedgerErrorCode } from '../../../keepers/ledger';
import { RequestClosings } from '../../../keepers/gateway/request-closings';

const id = Buffer.alloc(16, 1);

/** A ledger that takes nothing until it has room. */
function fullLedger() {
    const written: string[] = [];
    const ledger = {
        full: true,
        code: 'ledger_write_failed' as LedgerErrorCode,
        written,
    };
    const write = (how: string) => async (_requestId: Buffer, code: string) => {
        if (ledger.full) throw new LedgerError(ledger.code, 'no');
        written.push(`${how} ${code}`);
    };
    const closings = new RequestClosings({
        ledger: {
            fail: write('fail'),
            lose: write('lose'),
            noteCheckpoint: (requestId) => write('note')(requestId, 'a checkpoint'),
            resolve: (requestId) => write('resolve')(requestId, 'by its receipt'),
        },
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

const final = {} as GatewayReceipt;

test('a receipt that waits for room is not overwritten by word that there was none', async () => {
    const { ledger, closings } = fullLedger();
    await expect(closings.resolve(id, final)).rejects.toMatchObject({ code: 'ledger_unavailable', status: 503 });
    await closings.lose(id, 'ledger_unavailable');
    ledger.full = false;
    await closings.retry();
    expect(ledger.written).toEqual(['resolve by its receipt']);
});

test('a receipt that turns out wrong while it waits leaves its request to the recovery', async () => {
    const { ledger, closings } = fullLedger();
    await closings.resolve(id, final).catch(() => undefined);
    ledger.code = 'receipt_inconsistent';
    await closings.retry();
    ledger.full = false;
    await closings.retry();
    expect(ledger.written).toEqual(['lose receipt_inconsistent']);
});

test('a wrong receipt is refused at once, and does not wait', async () => {
    const { ledger, closings } = fullLedger();
    ledger.code = 'receipt_inconsistent';
    await expect(closings.resolve(id, final)).rejects.toMatchObject({ code: 'receipt_inconsistent' });
    ledger.full = false;
    await closings.retry();
    expect(ledger.written).toEqual([]);
});
