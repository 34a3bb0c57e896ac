import { LedgerError } from '../errors';

export interface PostgresOptions {
    /** `postgres://user@host:port/database`, with parameters such as `sslmode`; no password in it. */
    url: string;
    /** Else PGPASSWORD or the file that PGPASSFILE names. */
    password?: string;
    /** How long an act waits for the database, restarts and lost connections included, before `ledger_unavailable`. */
    patienceMs?: number;
    /** A statement that takes longer is broken off. */
    statementTimeoutMs?: number;
}

export const defaultPatienceMs = 15_000;
const defaultStatementTimeoutMs = 10_000;

/** Settings for the driver. The password enters the address here and nowhere else. */
export function connectionSettings(options: PostgresOptions) {
    return {
        connectionString: addressOf(options),
        application_name: 'cocoon ledger',
        connectionTimeoutMillis: 5_000,
        keepAlive: true,
        statement_timeout: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
        // A process that stands still in mid-transaction must not keep the others from an escrow.
        idle_in_transaction_session_timeout: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
    };
}

function addressOf({ url, password }: PostgresOptions): string {
    const address = URL.canParse(url) ? new URL(url) : null;
    if (!address || !['postgres:', 'postgresql:'].includes(address.protocol))
        throw new LedgerError('ledger_unusable', 'The ledger address must be postgres://user@host:port/database');
    if (address.password !== '')
        throw new LedgerError('ledger_unusable', 'The ledger address must not contain a password: give it apart');
    if (password !== undefined) address.password = encodeURIComponent(password);
    return address.href;
}
