import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { TransactionRecord } from '../core/transaction-record';
import { ChainError } from '../errors';
import { DirectoryLock } from './directory-lock';
import { replaceFile } from './durable-file';
import { type Genesis, openGenesis } from './genesis-file';
import { HistoryFile } from './history-file';
import { Journal, type JournalEvent } from './journal';
import { type ChainState, type Snapshot, snapshotSchema, writeSnapshot } from './snapshot';

/** What a directory held when it was opened. */
export interface StoredChain {
    genesis: Genesis;
    snapshot: Snapshot | undefined;
    records: TransactionRecord[];
    /** Since the snapshot, to be replayed. */
    events: JournalEvent[];
}

/**
 * The chain on disk: `genesis.json`, the last `snapshot.json`, the transactions up to it in `history.log`, and what
 * happened since in `journal-<generation>.log`. Killed at any instant, it reopens with every acknowledged event.
 */
export class StateDirectory {
    private constructor(
        private readonly directory: string,
        private readonly lock: DirectoryLock,
        private readonly history: HistoryFile,
        private journal: Journal,
        private generation: number,
    ) {}

    static open(directory: string, freshGenesis: Genesis): { state: StateDirectory; stored: StoredChain } {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        const lock = DirectoryLock.take(directory);
        try {
            return StateDirectory.read(directory, lock, freshGenesis);
        } catch (error) {
            lock.release();
            throw error;
        }
    }

    private static read(directory: string, lock: DirectoryLock, freshGenesis: Genesis) {
        const genesis = openGenesis(path.join(directory, 'genesis.json'), freshGenesis);
        const snapshot = readSnapshot(path.join(directory, 'snapshot.json'));
        const generation = snapshot?.generation ?? 0;
        const historyPath = path.join(directory, 'history.log');
        const { history, records } = HistoryFile.open(historyPath, snapshot?.historyBytes ?? 0);
        const { journal, events } = Journal.open(journalPath(directory, generation));
        removeOtherJournals(directory, generation);
        const state = new StateDirectory(directory, lock, history, journal, generation);
        return { state, stored: { genesis, snapshot, records, events } };
    }

    append(event: JournalEvent): void {
        this.journal.append(event);
    }

    /** `records`: the transactions since the last snapshot. When it fails, the journal simply goes on. */
    saveSnapshot(chain: ChainState, records: TransactionRecord[]): void {
        const historyBytes = this.history.length;
        try {
            this.history.append(records);
            this.writeNext(chain);
        } catch (error) {
            this.history.truncate(historyBytes);
            throw error;
        }
        removeOtherJournals(this.directory, this.generation);
    }

    private writeNext(chain: ChainState): void {
        const generation = this.generation + 1;
        const { journal } = Journal.open(journalPath(this.directory, generation));
        const snapshot: Snapshot = { ...chain, version: 1, generation, historyBytes: this.history.length };
        replaceFile(path.join(this.directory, 'snapshot.json'), writeSnapshot(snapshot));
        this.journal.close();
        this.journal = journal;
        this.generation = generation;
    }

    close(): void {
        this.journal.close();
        this.history.close();
        this.lock.release();
    }
}

function journalPath(directory: string, generation: number): string {
    return path.join(directory, `journal-${generation}.log`);
}

function removeOtherJournals(directory: string, generation: number): void {
    const current = path.basename(journalPath(directory, generation));
    const others = readdirSync(directory).filter((name) => /^journal-\d+\.log$/.test(name) && name !== current);
    for (const name of others) unlinkSync(path.join(directory, name));
}

function readSnapshot(file: string): Snapshot | undefined {
    if (!existsSync(file)) return undefined;
    try {
        return snapshotSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
        throw new ChainError('state_corrupt', `${file} cannot be read`, error);
    }
}
