import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, errorMessage, systemClock } from '../base';
import { LedgerError } from './errors';
import { encodeLogEntry, type NodeLogEntry } from './node-log-entry';
import { checkedLine } from './node-log-line';
import { scanNodeLog } from './node-log-reader';

interface Pending {
    line: string;
    resolve: () => void;
    reject: (error: unknown) => void;
}

/** Between two attempts to write what a full or broken disk did not take. */
const retryMs = 1_000;

/**
 * The provider's own copy of every (cap, receipt): an append-only text file, one line each, synced in groups.
 * It holds signed statements only, which are public once settled; nothing secret.
 */
export class NodeLog {
    private queue: Pending[] = [];
    private draining = false;
    private running: Promise<void> = Promise.resolve();
    private failure: LedgerError | null = null;
    private readonly hurrying = new AbortController();
    private listener: (trouble: string | null) => void = () => undefined;

    private constructor(
        private readonly file: FileHandle,
        private sizeBytes: number,
        private readonly clock: Clock,
    ) {}

    /** Opens or creates the log; a torn last line, which nobody was told about, is cut off. */
    static async open(fileName: string, clock: Clock = systemClock): Promise<NodeLog> {
        mkdirSync(path.dirname(fileName), { recursive: true, mode: 0o700 });
        const file = await open(fileName, 'a+', 0o600);
        const { intactBytes } = await scanNodeLog(fileName, () => undefined);
        await file.truncate(intactBytes);
        await file.datasync();
        await syncFolder(path.dirname(fileName));
        return new NodeLog(file, intactBytes, clock);
    }

    /** Told why nothing can be written, and null once everything that waited is on disk. */
    watch(listener: (trouble: string | null) => void): void {
        this.listener = listener;
    }

    /** From now on what the disk does not take at once is refused: nobody waits for room any more. */
    failFast(): void {
        this.hurrying.abort();
    }

    /** Resolves once the line is on disk, however long that has no room for it. */
    async append(entry: NodeLogEntry): Promise<void> {
        if (this.failure) throw this.failure;
        const line = checkedLine(encodeLogEntry(entry));
        return new Promise((resolve, reject) => {
            this.queue.push({ line, resolve, reject });
            if (!this.draining) this.running = this.drain();
        });
    }

    /** Writes what waits, if the disk takes it. */
    async close(): Promise<void> {
        this.failure ??= new LedgerError('ledger_closed', 'The receipt log is closed');
        this.failFast();
        await this.running;
        await this.file.close();
    }

    private async drain(): Promise<void> {
        // Whatever comes while one group is syncing forms the next. The last look at the queue and the flag's fall
        // are one step, or a line that comes between them would wait for ever.
        this.draining = true;
        while (this.queue.length > 0) {
            const group = this.queue;
            this.queue = [];
            await this.writeGroup(group);
        }
        this.draining = false;
    }

    private async writeGroup(group: Pending[]): Promise<void> {
        const bytes = Buffer.from(group.map((pending) => pending.line).join(''), 'utf8');
        for (let failed = false; ; failed = true) {
            try {
                // What a failed attempt left behind, whole or torn, must not stand before the same lines again.
                if (failed) await this.file.truncate(this.sizeBytes);
                await this.file.appendFile(bytes);
                await this.file.datasync();
                this.sizeBytes += bytes.length;
                if (failed) this.listener(null);
                for (const pending of group) pending.resolve();
                return;
            } catch (error) {
                this.listener(errorMessage(error));
                if (this.hurrying.signal.aborted) return this.fail(error, group);
                await this.clock.sleep(retryMs, this.hurrying.signal).catch(() => undefined);
            }
        }
    }

    /** Nobody knows what of it is on disk: cut back, and refuse everything from now on. */
    private async fail(error: unknown, group: Pending[]): Promise<void> {
        this.failure = new LedgerError('ledger_write_failed', `Receipt log: ${errorMessage(error)}`, { cause: error });
        await this.file.truncate(this.sizeBytes).catch(() => undefined);
        for (const pending of [...group, ...this.queue.splice(0)]) pending.reject(this.failure);
    }
}

async function syncFolder(folder: string): Promise<void> {
    if (process.platform === 'win32') return;
    const handle = await open(folder, 'r');
    await handle.sync();
    await handle.close();
}
