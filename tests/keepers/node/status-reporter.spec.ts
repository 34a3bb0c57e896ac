import path from 'node:path';
import { silentLogger, systemClock } from '../../../keepers/base';
import { type ReportedParts, StatusReporter } from '../../../keepers/node/status-reporter';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();

test('a disk that has no room for the tally does not end a node', async () => {
    const file = path.join(folder, 'status.json');
    const reporter = new StatusReporter({
        file,
        dispatcherUrl: 'http://d',
        clock: systemClock,
        logger: silentLogger(),
    });
    const parts = {
        service: {
            activity: { problem: null, answered: 0, refused: {}, lastAtMs: null },
            dispatchers: [],
            inFlight: 0,
        },
        engine: { health: () => Promise.resolve({ ok: true, detail: '' }) },
        models: [],
        offers: { current: { hash: Buffer.alloc(32), expiresAtSec: 0 } },
        tally: {
            save: () => {
                throw new Error('ENOSPC: no space left on device');
            },
        },
        nodeKey: Buffer.alloc(32),
        keyNotAfterSec: () => 0,
    };
    await expect(reporter.serving(parts as unknown as ReportedParts)).resolves.toBeUndefined();
    expect(() => reporter.end('stopped')).not.toThrow();
});
