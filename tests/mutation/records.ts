import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Fate = 'killed' | 'survived';

export interface MutantRecord {
    fate: Fate;
    /** the test that failed */
    by: string | null;
    /** the file of that test */
    spec: string | null;
    /** digest of all that the record was made with: see `isValid` */
    madeWith: string;
}

interface RecordFile {
    mutants: Record<string, MutantRecord>;
}

/** What is known of each mutant, on disk after each, so that a run can be taken up where it ended. */
export class Records {
    private constructor(
        private readonly file: string,
        private readonly content: RecordFile,
    ) {}

    static open(file: string, resume: boolean): Records {
        if (resume && existsSync(file)) return new Records(file, JSON.parse(readFileSync(file, 'utf8')) as RecordFile);
        return new Records(file, { mutants: {} });
    }

    /** Records made with other texts say nothing any more: what they are made with is told by `madeWith`. */
    keep(madeWith: (mutantId: string, record: MutantRecord) => string | null): void {
        for (const [id, record] of Object.entries(this.content.mutants)) {
            if (madeWith(id, record) !== record.madeWith) delete this.content.mutants[id];
        }
    }

    get(mutantId: string): MutantRecord | undefined {
        return this.content.mutants[mutantId];
    }

    set(mutantId: string, record: MutantRecord): void {
        this.content.mutants[mutantId] = record;
        this.save();
    }

    private save(): void {
        mkdirSync(path.dirname(this.file), { recursive: true });
        writeFileSync(this.file, JSON.stringify(this.content, null, 1));
    }
}
