import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Fate = 'killed' | 'survived' | 'does not compile';

export interface MutantRecord {
    fate: Fate;
    /** the test that failed, or why there is none */
    by: string | null;
    seconds: number;
}

interface RecordFile {
    /** of all contracts' sources: other contracts, other mutants */
    contracts: string;
    /** of all specs, as they passed with the contracts unchanged */
    provenSpecs: string | null;
    mutants: Record<string, MutantRecord>;
}

/** What is known of each mutant, on disk after each, so that a run can be taken up where it ended. */
export class Records {
    private constructor(
        private readonly file: string,
        private readonly content: RecordFile,
    ) {}

    /** Records of other contracts are worth nothing. */
    static open(file: string, contracts: string, resume: boolean): Records {
        if (resume && existsSync(file)) {
            const content = JSON.parse(readFileSync(file, 'utf8')) as RecordFile;
            if (content.contracts === contracts) return new Records(file, content);
        }
        return new Records(file, { contracts, provenSpecs: null, mutants: {} });
    }

    get(mutantId: string): MutantRecord | undefined {
        return this.content.mutants[mutantId];
    }

    set(mutantId: string, record: MutantRecord): void {
        this.content.mutants[mutantId] = record;
        this.save();
    }

    isProven(specs: string): boolean {
        return this.content.provenSpecs === specs;
    }

    prove(specs: string): void {
        this.content.provenSpecs = specs;
        this.save();
    }

    private save(): void {
        mkdirSync(path.dirname(this.file), { recursive: true });
        writeFileSync(this.file, JSON.stringify(this.content, null, 1));
    }
}
