import { z } from 'zod';
import { addressField } from '../fields';
import { feeLimits, gasWallet, shared } from './keeper-fields';
import { hasNotTwoLedgers, ledgerPlace, twoLedgers } from './ledger-fields';

/** What a watchdog does besides settling before deadlines. */
const watchField = z.strictObject({
    intervalMs: z.int().min(1_000).max(86_400_000).default(60_000),
    /** Every key is looked at again after this, even if governance changed nothing. */
    fullCheckMs: z.int().min(60_000).max(86_400_000).default(3_600_000),
    /** Nodes whose time is over are pruned while the hub has more than this many; it has room for 10 000. */
    pruneAboveNodes: z.int().min(0).max(10_000).default(8_000),
    /** Keeps the hub's node keys across restarts; beside the ledger, the outbox or the first log when absent. */
    keysFile: z.string().min(1).optional(),
});

const settlerFields = z.strictObject({
    ...shared,
    role: z.literal('settler'),
    hub: addressField,
    /** The dispatcher's ledger, or none when settling from nodes' own receipt logs. */
    ...ledgerPlace,
    nodeLogFiles: z.array(z.string().min(1)).max(256).default([]),
    ...gasWallet,
    ...feeLimits,
    intervalMs: z.int().min(100).max(3_600_000).default(15_000),
    minValueToCostRatio: z.int().min(1).max(10_000).default(50),
    /** Watch the hub in the same process and from the same wallet. */
    watch: watchField.optional(),
});

export const settlerSchema = settlerFields.refine(hasNotTwoLedgers, twoLedgers);

/** Without a ledger or logs, keys are known from the hub's events alone. */
export const watchdogSchema = settlerFields
    .omit({ role: true, intervalMs: true, minValueToCostRatio: true, watch: true })
    .extend({ role: z.literal('watchdog'), watch: watchField.prefault({}) })
    .refine(hasNotTwoLedgers, twoLedgers);
