import { z } from 'zod';

/** A SQLite file for the processes of one machine, or a PostgreSQL for those of several; never both. */
export const ledgerPlace = {
    ledgerFile: z.string().min(1).optional(),
    /** `postgres://user@host:port/database?sslmode=verify-full`, without a password. */
    ledgerUrl: z
        .url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user@host:port/database' })
        .refine((url) => new URL(url).password === '', 'must hold no password: use ledgerPasswordFile or PGPASSWORD')
        .optional(),
    /** Only its owner may read it. */
    ledgerPasswordFile: z.string().min(1).optional(),
};

export function hasOneLedger(config: { ledgerFile?: string; ledgerUrl?: string }): boolean {
    return (config.ledgerFile === undefined) !== (config.ledgerUrl === undefined);
}

export function hasNotTwoLedgers(config: { ledgerFile?: string; ledgerUrl?: string }): boolean {
    return config.ledgerFile === undefined || config.ledgerUrl === undefined;
}

export const twoLedgers = 'give ledgerFile or ledgerUrl, not both';
