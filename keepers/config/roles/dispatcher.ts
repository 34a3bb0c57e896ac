import { z } from 'zod';
import { addressField, listenField, retentionField, tracesField, urlField } from '../fields';
import { shared } from './keeper-fields';
import { hasOneLedger, ledgerPlace, twoLedgers } from './ledger-fields';

const dispatcherFields = z.strictObject({
    ...shared,
    traces: tracesField.optional(),
    role: z.literal('dispatcher'),
    hub: addressField,
    listen: listenField,
    /** PEM files; without them something in front must speak TLS to the world. */
    tls: z.strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) }).optional(),
    ...ledgerPlace,
    /** Tells dispatchers that share a ledger apart: each has its own, and keeps it over restarts. */
    dispatcherId: z
        .string()
        .regex(/^[\w.-]{0,64}$/, 'must be up to 64 letters, digits, dots and dashes')
        .default(''),
    /** Where nodes and gateways reach this very process, not what stands before all replicas. */
    publicUrl: urlField.max(200).optional(),
    /** How long paid receipts, closed requests and messages that are done are kept; totals stay. */
    retentionHours: retentionField(30),
    /** How long a stop waits for the requests under way. */
    drainMs: z.int().min(0).max(3_600_000).default(10_000),
    maxBodyBytes: z
        .int()
        .min(1024)
        .max(64 * 1024 * 1024)
        .default(33_554_432),
    /** Of bodies on their way here, over all connections. */
    maxReceivingBytes: z
        .int()
        .min(64 * 1024 * 1024)
        .max(64 * 1024 * 1024 * 1024)
        .default(512 * 1024 * 1024),
    queueLimitPerNode: z.int().min(0).max(10_000).default(64),
});

export const dispatcherSchema = dispatcherFields.refine(hasOneLedger, `a dispatcher needs a ledger: ${twoLedgers}`);
