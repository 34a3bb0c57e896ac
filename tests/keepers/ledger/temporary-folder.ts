import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** In memory where the system offers it: these tests end processes, not the power, and a shared disk syncs slowly. */
const root = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

/** A folder that is gone after the suite. */
export function temporaryFolder(): string {
    const folder = mkdtempSync(path.join(root, 'cocoon-ledger-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
}
