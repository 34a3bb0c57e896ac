import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The wall clocks of all roles, see clock-shift.cjs. Roles started after this are under its control. */
export class Clocks {
    constructor(private readonly folder: string) {
        mkdirSync(folder, { recursive: true });
        process.env['COCOON_CHAOS_CLOCKS'] = folder;
        process.env['NODE_OPTIONS'] = `--require ${path.join(__dirname, 'clock-shift.cjs')}`;
    }

    set(role: string, offsetMs: number): void {
        writeFileSync(path.join(this.folder, role), `${offsetMs}`);
    }

    /** From now on time runs so many times as fast, for all of them. */
    hurry(factor: number): void {
        writeFileSync(path.join(this.folder, 'pace'), `${Date.now()} ${factor}`);
    }

    right(role: string): void {
        rmSync(path.join(this.folder, role), { force: true });
    }
}
