import type { Sql } from '../dispatch/sql';
import { LedgerError } from '../errors';

/** By the first word of their leases' names. Other leases are of tasks, and may outlive who took them by minutes. */
const users: Readonly<Record<string, string>> = { replica: 'dispatcher', settler: 'settler', watchdog: 'watchdog' };

/**
 * What a role acknowledged since a backup would be gone without its knowing, so it has to be stopped first. Within the
 * transaction that restores: no role begins to use the ledger before that is over.
 * @throws LedgerError `ledger_in_use`
 */
export async function requireUnused(sql: Sql, nowMs: number): Promise<void> {
    // SQLite lets nobody else write during a transaction that does.
    if (sql.dialect === 'postgres') await sql.run('LOCK TABLE leases IN SHARE ROW EXCLUSIVE MODE');
    const rows = await sql.all<{ name: string; expires_at_ms: bigint }>(
        'SELECT name, expires_at_ms FROM leases WHERE expires_at_ms > ? ORDER BY name',
        [nowMs],
    );
    const held = rows.flatMap(({ name, expires_at_ms }) => {
        const who = userOf(name);
        return who === null ? [] : [{ who, untilMs: Number(expires_at_ms) }];
    });
    if (held.length === 0) return;
    const waitSec = Math.ceil((Math.max(...held.map(({ untilMs }) => untilMs)) - nowMs) / 1000);
    const names = [...new Set(held.map(({ who }) => who))].join(', ');
    throw new LedgerError(
        'ledger_in_use',
        `The ledger is in use (${names}): stop every role on it, then restore. One that was killed counts for ${waitSec} s more`,
        { context: { users: names, waitSec } },
    );
}

/** A replica is named by its hub and by its dispatcherId. */
function userOf(lease: string): string | null {
    const [kind = '', , ...id] = lease.split(' ');
    const role = users[kind];
    if (role === undefined) return null;
    return kind === 'replica' ? `${role} ${id.join(' ')}` : role;
}
