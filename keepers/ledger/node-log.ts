import fs, { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, errorMessage, systemClock } from '../base';
import { LedgerError } from './errors';
import { FileLock } from './file-lock';
import type { Pause } from './maintenance/pause';
import { type CompactedLog, compactedName, writeCompacted } from './node-log-compaction';
import { encodeLogEntry, type NodeLogEntry } from './node-log-entry';
import { checkedLine } from './node-log-line';
import { streamKey, streamName } from './latest-receipts';
import { scanNodeLog } from './node-log-reader';
import { syncFolder } from './sync-folder';

interface Pending {
    line: string;
    resolve: () => void;
    reject: (error: unknown) => void;
}

/** Written anew once what is old is so much of the retention older than it must be. */
const slackPart = 8;
/** Between two attempts to write what a full or broken disk did not take. */
const retryMs = 1_000;

/**
 * The provider's own copy of every (cap, receipt): a text file that only grows, one line each, synced in groups, until
 * compaction puts a shorter one in its place. One process at a time writes to it; whoever only reads asks nobody.
 * It holds signed statements only, which are public once settled; nothing secret.
 */
export class NodeLog {
    private queue: Pending[] = [];
    /** Waits to run between two groups. */
    private between: (() => Promise<void>) | null = null;
    private draining = false;
    private running: Promise<void> = Promise.resolve();
    private failure: LedgerError | null = null;
    private readonly hurrying = new AbortController();
    private listener: (trouble: string | null) => void = () => undefined;

    private constructor(
        private readonly fileName: string,
        private file: FileHandle,
        private sizeBytes: number,
        /** Of the oldest line that might be taken out once it is old enough. */
        private oldestAtMs: number,
        private readonly clock: Clock,
        private readonly lock: FileLock,
    ) {}

    /**
     * Opens or creates the log; a torn last line, which nobody was told about, is cut off.
     * @throws LedgerError `log_in_use`, with nothing changed, while another process has it open
     */
    static async open(fileName: string, clock: Clock = systemClock): Promise<NodeLog> {
        mkdirSync(path.dirname(fileName), { recursive: true, mode: 0o700 });
        const lock = FileLock.take(`${fileName}.lock`);
        if (lock === null) throw inUse(fileName);
        let file: FileHandle | undefined;
        try {
            file = await open(fileName, 'a+', 0o600);
            const { intactBytes, oldestAtMs } = await cutTornLine(file, fileName);
            rmSync(compactedName(fileName), { force: true });
            await file.datasync();
            await syncFolder(path.dirname(fileName));
            return new NodeLog(fileName, file, intactBytes, oldestAtMs, clock, lock);
        } catch (error) {
            await file?.close();
            lock.release();
            throw error;
        }
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
        this.oldestAtMs = Math.min(this.oldestAtMs, entry.atMs);
        return new Promise((resolve, reject) => {
            this.queue.push({ line, resolve, reject });
            if (!this.draining) this.running = this.drain();
        });
    }

    /**
     * Takes out receipts from before then that later ones stand for: whatever can be settled stays, and so does what each
     * stream came to. A crash at any moment leaves the old file or the new one, each with every line acknowledged.
     * Does nothing until enough is old to be worth writing the rest anew.
     */
    async compact(beforeMs: number, pause: Pause): Promise<{ receipts: number }> {
        const slackMs = (this.clock.nowMs() - beforeMs) / slackPart;
        if (this.oldestAtMs > beforeMs - slackMs) return { receipts: 0 };
        const { fileName, sizeBytes, oldestAtMs } = this;
        // From here on of those that come meanwhile.
        this.oldestAtMs = Infinity;
        let compacted: CompactedLog | null = null;
        try {
            compacted = await writeCompacted({ fileName, sizeBytes, beforeMs, pause });
            const { takenOut } = compacted;
            await this.alone(() => this.replaceBy(compacted!, sizeBytes));
            return { receipts: takenOut };
        } catch (error) {
            this.oldestAtMs = Math.min(this.oldestAtMs, oldestAtMs);
            if (compacted && this.file !== compacted.file) await compacted.discard();
            throw error;
        }
    }

    /** Writes what waits, if the disk takes it. */
    async close(): Promise<void> {
        this.failure ??= new LedgerError('ledger_closed', 'The receipt log is closed');
        this.failFast();
        await this.running;
        await this.file.close().finally(() => this.lock.release());
    }

    private async drain(): Promise<void> {
        // Whatever comes while one group is syncing forms the next. The last look at the queue and the flag's fall
        // are one step, or a line that comes between them would wait for ever.
        this.draining = true;
        while (this.queue.length > 0 || this.between !== null) {
            const { between, queue } = this;
            this.between = null;
            this.queue = [];
            if (queue.length > 0) await this.writeGroup(queue);
            await between?.();
        }
        this.draining = false;
    }

    /** Nothing is written meanwhile. */
    private alone(act: () => Promise<void>): Promise<void> {
        return new Promise((resolve, reject) => {
            this.between = () => (this.failure ? Promise.reject(this.failure) : act()).then(resolve, reject);
            if (!this.draining) this.running = this.drain();
        });
    }

    /** With the lines that came since it was begun. Old and new are one file as soon as the folder says so on disk. */
    private async replaceBy(compacted: CompactedLog, fromBytes: number): Promise<void> {
        const { file, sizeBytes, oldestAtMs } = compacted;
        const since = Buffer.alloc(this.sizeBytes - fromBytes);
        const { bytesRead } = await this.file.read(since, 0, since.length, fromBytes);
        if (bytesRead < since.length) throw new LedgerError('log_corrupt', `${this.fileName}: its end is gone`);
        await file.appendFile(since);
        await file.datasync();
        await rename(compactedName(this.fileName), this.fileName);
        const replaced = this.file;
        this.file = file;
        this.sizeBytes = sizeBytes + since.length;
        this.oldestAtMs = Math.min(this.oldestAtMs, oldestAtMs);
        await replaced.close();
        // Until it is known which of the two a crash would leave, no line may be acknowledged.
        await syncFolder(path.dirname(this.fileName)).catch((error: unknown) => this.fail(error, []));
    }

    private async writeGroup(group: Pending[]): Promise<void> {
        const bytes = Buffer.from(group.map((pending) => pending.line).join(''), 'utf8');
        for (let failed = false; ; failed = true) {
            try {
                // What a failed attempt left behind, whole or torn, must not stand before the same lines again.
                if (failed) await this.file.truncate(this.sizeBytes);
                fs.appendFileSync(this.file.fd, bytes);
                await synced(this.file.fd);
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

interface Measured {
    intactBytes: number;
    oldestAtMs: number;
}

async function cutTornLine(file: FileHandle, fileName: string): Promise<Measured> {
    const { size } = await file.stat();
    const measured = await measure(fileName, size);
    // Machines that share a folder do not see each other's locks: what is torn may be a line that another is writing.
    if ((await file.stat()).size !== size) throw inUse(fileName);
    if (measured.intactBytes < size) await file.truncate(measured.intactBytes);
    return measured;
}

function inUse(fileName: string): LedgerError {
    return new LedgerError('log_in_use', `${fileName}: another process writes to it: give each a log of its own`);
}

async function measure(fileName: string, untilBytes: number): Promise<Measured> {
    const gone = new Map<string, number>();
    let oldestAtMs = Infinity;
    const visit = (entry: NodeLogEntry) => {
        if (entry.receipt.sequence > (gone.get(streamKey(entry)) ?? -1)) oldestAtMs = Math.min(oldestAtMs, entry.atMs);
    };
    const { intactBytes } = await scanNodeLog(fileName, visit, {
        untilBytes,
        onSummary: (summary) => void gone.set(streamName(summary), summary.sequence),
    });
    return { intactBytes, oldestAtMs };
}

/** By the callback: a promise of the file's handle costs several times as much. */
function synced(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
        fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()));
    });
}
