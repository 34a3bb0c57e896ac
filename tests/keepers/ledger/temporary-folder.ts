import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A folder that is gone after the suite. */
export function temporaryFolder(): string {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'cocoon-ledger-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
}
