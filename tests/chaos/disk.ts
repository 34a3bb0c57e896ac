import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';

export type DiskKind = 'ext4' | 'tmpfs' | 'none';

const sizeMb = 96;
/** Of one freeze; the shell that freezes also thaws, whatever becomes of us. */
const freezeSec = 0.35;

/** A file system of its own for one role's state, which can be filled to the last byte and made slow. */
export class Disk {
    private constructor(
        readonly folder: string,
        readonly kind: DiskKind,
    ) {}

    /** The best that this machine allows: mounting takes root, a loop device more than some containers give. */
    static make(folder: string): Disk {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        for (const kind of ['ext4', 'tmpfs'] as const) if (tryMount(kind, folder)) return new Disk(folder, kind);
        return new Disk(folder, 'none');
    }

    get canFill(): boolean {
        return this.kind !== 'none';
    }

    get canFreeze(): boolean {
        return this.kind === 'ext4';
    }

    /** Takes every free byte. */
    fill(): void {
        const freeBytes = () => {
            const { bavail, bsize } = statfsSync(this.folder);
            return bavail * bsize;
        };
        try {
            for (let left = freeBytes(); left > 65_536; left = Math.floor(left / 2))
                tryRun('fallocate', ['-l', `${left}`, `${this.ballast}.${left}`]);
            for (const bytes = Buffer.alloc(4_096); ;) appendFileSync(this.ballast, bytes);
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
    }

    free(): void {
        execFileSync('sh', ['-c', `rm -f "${this.ballast}" "${this.ballast}".*`]);
    }

    /** Stops and starts by turns for so long: every write waits a few hundred milliseconds. */
    stutter(durationMs: number): void {
        const turns = Math.max(1, Math.floor(durationMs / (freezeSec * 2_000)));
        const turn = `fsfreeze -f "$0" && sleep ${freezeSec}; fsfreeze -u "$0"; sleep ${freezeSec}`;
        const script = `for i in $(seq ${turns}); do ${turn}; done`;
        spawn('sh', ['-c', script, this.folder], { stdio: 'ignore', detached: true }).unref();
    }

    /** Its content stays beside it, for whoever looks into what went wrong. */
    remove(): void {
        if (this.kind === 'none') return;
        tryRun('fsfreeze', ['-u', this.folder]);
        this.free();
        tryRun('cp', ['-a', this.folder, `${this.folder}.kept`]);
        if (!tryRun('umount', [this.folder])) tryRun('umount', ['-l', this.folder]);
        rmSync(imageOf(this.folder), { force: true });
    }

    private get ballast(): string {
        return path.join(this.folder, 'ballast');
    }
}

function tryMount(kind: 'ext4' | 'tmpfs', folder: string): boolean {
    if (kind === 'tmpfs') return tryRun('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=700`, 'chaos', folder]);
    const image = imageOf(folder);
    const mounted =
        tryRun('truncate', ['-s', `${sizeMb}M`, image]) &&
        tryRun('mkfs.ext4', ['-q', '-m', '0', '-F', image]) &&
        tryRun('mount', ['-o', 'loop', image, folder]);
    if (!mounted) rmSync(image, { force: true });
    return mounted;
}

function imageOf(folder: string): string {
    return `${folder}.img`;
}

function tryRun(command: string, args: string[]): boolean {
    try {
        execFileSync(command, args, { stdio: 'ignore' });
        return true;
    } catch {
        return false;
    }
}
