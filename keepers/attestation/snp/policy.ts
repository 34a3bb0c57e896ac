import { z } from 'zod';
import { hex } from '../policy/policy';
import { productLines } from './product';

const level = z.number().int().min(0).max(255);
const levels = {
    bootloader: level.optional(),
    tee: level.optional(),
    snp: level.optional(),
    microcode: level.optional(),
};
const floor = z.strictObject(levels);

const image = z.union([
    z.strictObject({ imageId: hex(32) }),
    z.strictObject({ measurement: hex(48), hostData: hex(32).default('0'.repeat(64)) }),
]);

/**
 * What a network or an operator accepts of SEV-SNP guests, as data. Unknown keys are refused: a misspelt rule must not
 * silently be no rule.
 */
export const snpPolicySchema = z.strictObject({
    products: z.array(z.enum(productLines)).default([...productLines]),
    /** Chip-bound keys (VCEK), and keys that AMD lends a cloud provider for all its machines (VLEK). */
    signingKeys: z.array(z.enum(['vcek', 'vlek'])).default(['vcek', 'vlek']),
    /** Guests launched with debugging allowed can be read by their host. */
    debug: z.enum(['refuse', 'allow']).default('refuse'),
    /** Guests that another guest may move elsewhere are as good as that other one. */
    migrationAgent: z.enum(['refuse', 'allow']).default('refuse'),
    /** Sibling threads of a core share caches with whoever runs on the other. */
    smt: z.enum(['any', 'refuse']).default('any'),
    singleSocket: z.enum(['any', 'required']).default('any'),
    /** Privilege levels the report may have been asked from; 0 is the most privileged software of the guest. */
    vmpl: z.array(z.number().int().min(0).max(3)).default([0]),
    /**
     * Least firmware by product. AMD publishes no signed list of what is current, so there is no floor unless one is given:
     * take it from AMD's security bulletins.
     */
    minTcb: z
        .strictObject({
            Milan: floor.optional(),
            Genoa: floor.optional(),
            Turin: z.strictObject({ fmc: level.optional(), ...levels }).optional(),
        })
        .default({}),
    /** Whether evidence without a revocation list of the root may be accepted. */
    revocation: z.enum(['optional', 'required']).default('optional'),
    /** Whether evidence that names no chip may be accepted: a VLEK on a host that masks the chip id. */
    platform: z.enum(['any', 'required']).default('any'),
    images: z.array(image).optional(),
    /** Model manifest roots the key bundle may name. */
    models: z.array(hex(32)).optional(),
    /** The exact report data, or its first 32 bytes. */
    reportData: z.union([hex(64), hex(32)]).optional(),
    /** Report data must carry the root hash of a masterchain block no older than this. */
    maxBlockAgeSeconds: z.number().int().positive().optional(),
    deniedPlatforms: z.array(hex(32)).default([]),
});

export type SnpPolicyInput = z.input<typeof snpPolicySchema>;
export type SnpPolicy = z.output<typeof snpPolicySchema>;

export const defaultSnpPolicy: SnpPolicy = snpPolicySchema.parse({});
