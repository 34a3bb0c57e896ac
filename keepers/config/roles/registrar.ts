import { z } from 'zod';
import { hexField } from '../fields';
import { collateralField, gasWallet, shared } from './keeper-fields';

export const registrarSchema = z.strictObject({
    ...shared,
    role: z.literal('registrar'),
    ...gasWallet,
    collateral: collateralField.prefault({}),
    /** Platform families whose quotes the network should be able to verify. */
    families: z
        .array(
            z.strictObject({
                fmspc: hexField(6),
                authority: z.enum(['platform', 'processor']).default('platform'),
            }),
        )
        .min(1)
        .max(64),
    intervalMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
    /** A piece with less time left is replaced as soon as there is a newer one. */
    renewBeforeSec: z
        .int()
        .min(3_600)
        .max(30 * 86_400)
        .default(14 * 86_400),
    /** A piece with less time left than this is logged as an error. */
    alarmBeforeSec: z
        .int()
        .min(3_600)
        .max(30 * 86_400)
        .default(3 * 86_400),
});
