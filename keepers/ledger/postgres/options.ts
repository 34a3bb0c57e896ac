import { LedgerError } from '../errors';

export interface PostgresOptions {
    /** `postgres://user@host:port/database`, with parameters such as `sslmode`; no password in it. */
    url: string;
    /** Else PGPASSWORD or the file that PGPASSFILE names. */
    password?: string;
    /**
     * How long an act tries to reach the database, over restarts and lost connections, before `ledger_unavailable`. Its
     * last try may take as long as a connection takes to be made, and then to be found silent.
     */
    patienceMs?: number;
    /** A statement that takes longer is broken off, save in maintenance. */
    statementTimeoutMs?: number;
}

export const defaultPatienceMs = 15_000;
const defaultStatementTimeoutMs = 10_000;
/** What a server says of a statement that it broke off comes a little later. */
const graceMs = 2_000;
/** How long a connection that is closed waits for the server to close it as well. */
export const goodbyeMs = 2_000;

/**
 * In a transaction. Its holder must still not stand still: one whose machine is lost would keep its locks until the
 * server learns of that.
 */
export const statementsTakeTheirTime = 'SET LOCAL statement_timeout = 0';

/** Settings for the driver. The password enters the address here and nowhere else. */
export function connectionSettings(options: PostgresOptions) {
    return {
        connectionString: addressOf(options),
        application_name: 'cocoon ledger',
        connectionTimeoutMillis: 5_000,
        // Tells of a host that is lost also while a statement may take as long as it needs.
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
        statement_timeout: statementTimeoutOf(options),
        // A process that stands still in mid-transaction must not keep the others from an escrow.
        idle_in_transaction_session_timeout: statementTimeoutOf(options),
    };
}

export function statementTimeoutOf(options: PostgresOptions): number {
    return options.statementTimeoutMs ?? defaultStatementTimeoutMs;
}

/** Every statement has ended by then, and the server has said so. */
export function longestSilenceMs(options: PostgresOptions): number {
    return statementTimeoutOf(options) + graceMs;
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
