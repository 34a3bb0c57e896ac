import path from 'node:path';
import { openDispatchLedger } from '../../../keepers/ledger';
import { cap, requestId } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

/** As on a machine that has no thread left. */
jest.mock('node:worker_threads', () => ({
    Worker: class {
        constructor() {
            throw Object.assign(new Error('Worker initialization failure: EAGAIN'), {
                code: 'ERR_WORKER_INIT_FAILED',
            });
        }
    },
}));

it('a commit is not called failed because the thread for checkpoints could not be started', async () => {
    const ledger = await openDispatchLedger({ file: path.join(folder, 'ledger.sqlite') });
    for (let i = 1; i <= 600; i++) await ledger.recordCap(cap(`${i}`, BigInt(i), { worstCaseNano: 1n }));
    expect(await ledger.hasRequest(requestId('600'))).toBe(true);
    await ledger.close();
});
