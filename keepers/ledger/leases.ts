import type { GroupCommit } from './dispatch/group-commit';
import type { DispatchStore } from './dispatch/store';

export interface Lease {
    name: string;
    holder: string;
    /** By the database's clock. */
    expiresAtMs: number;
}

const claim = `INSERT INTO leases (name, holder, expires_at_ms) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at_ms = excluded.expires_at_ms`;

/** Who holds what among the processes of one ledger: by the database's clock, so that theirs need not agree. */
export class Leases {
    constructor(
        private readonly store: Pick<DispatchStore, 'reads' | 'nowMs'>,
        private readonly writer: Pick<GroupCommit, 'alone'>,
    ) {}

    /** Taken or prolonged, unless another holder's has not run out yet. @returns whether it is this holder's now */
    async hold(name: string, holder: string, lifeMs: number): Promise<boolean> {
        const nowMs = await this.store.nowMs();
        const unlessHeld = `${claim} WHERE leases.holder = excluded.holder OR leases.expires_at_ms <= ?`;
        const values = [name, holder, nowMs + lifeMs, nowMs];
        return (await this.writer.alone((sql) => sql.run(unlessHeld, values))) > 0;
    }

    /** Taken whoever holds it: for one process that comes after another under the same name. */
    async seize(name: string, holder: string, lifeMs: number): Promise<void> {
        const nowMs = await this.store.nowMs();
        await this.writer.alone((sql) => sql.run(claim, [name, holder, nowMs + lifeMs]));
    }

    /** Nothing happens where it is another's. */
    async release(name: string, holder: string): Promise<void> {
        await this.writer.alone((sql) => sql.run('DELETE FROM leases WHERE name = ? AND holder = ?', [name, holder]));
    }

    /** Those whose names begin so, and the database's time. */
    async list(prefix: string): Promise<{ nowMs: number; leases: Lease[] }> {
        const text = 'SELECT name, holder, expires_at_ms FROM leases WHERE substr(name, 1, ?) = ? ORDER BY name';
        const rows = await this.store.reads.all<{ name: string; holder: string; expires_at_ms: bigint }>(text, [
            prefix.length,
            prefix,
        ]);
        const leases = rows.map(({ name, holder, expires_at_ms }) => ({
            name,
            holder,
            expiresAtMs: Number(expires_at_ms),
        }));
        return { nowMs: await this.store.nowMs(), leases };
    }
}
