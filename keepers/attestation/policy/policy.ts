import { z } from 'zod';
import { tcbStatuses } from '../parse/signed-json';

/**
 * What a network or an operator accepts, as data. Everything not named keeps its default, and unknown keys are refused:
 * a misspelt rule must not silently be no rule.
 */
export const hex = (bytes: number) =>
    z
        .string()
        .regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`), `${bytes} bytes of hex`)
        .transform((text) => text.toLowerCase());

const image = z.union([
    z.strictObject({ imageId: hex(32) }),
    z.strictObject({ mrtd: hex(48), rtmr0: hex(48), rtmr1: hex(48), rtmr2: hex(48), rtmr3: hex(48) }),
]);

const statuses = [...tcbStatuses, 'TDRelaunchAdvised', 'TDRelaunchAdvisedConfigurationNeeded'] as const;

export const policySchema = z.strictObject({
    /** Kinds of quote. */
    teeTypes: z.array(z.enum(['tdx', 'sgx'])).default(['tdx', 'sgx']),
    /** States of the platform that are good enough. Revoked is refused whatever stands here. */
    statuses: z.array(z.enum(statuses)).default(['UpToDate', 'SWHardeningNeeded']),
    /** Advisories that are refused even at an accepted status. */
    refusedAdvisories: z.array(z.string()).default([]),
    /** Where given, any other advisory is refused. */
    acceptedAdvisories: z.array(z.string()).optional(),
    /** Evidence judged by older collateral than this evaluation data number is refused. */
    minTcbEvaluationDataNumber: z.number().int().min(0).default(0),
    /** Debug TDs and enclaves can be read by their host. */
    debug: z.enum(['refuse', 'allow']).default('refuse'),
    /** SEPT_VE_DISABLE keeps a host from injecting faults on a TD's private pages. */
    septVeDisable: z.enum(['required', 'any']).default('any'),
    /** Extended features: all of `required` and none outside `allowed` (8 bytes, as the report spells them). */
    xfam: z.strictObject({ required: hex(8), allowed: hex(8) }).optional(),
    /** Measurements of service TDs that may be bound; all zero means none is. */
    mrServiceTd: z.array(hex(48)).optional(),
    images: z.array(image).optional(),
    /** Model manifest roots the key bundle may name. */
    models: z.array(hex(32)).optional(),
    /** The exact report data, or its first 32 bytes. */
    reportData: z.union([hex(64), hex(32)]).optional(),
    /** Report data must carry the root hash of a masterchain block no older than this. */
    maxBlockAgeSeconds: z.number().int().positive().optional(),
    deniedPlatforms: z.array(hex(32)).default([]),
});

/** As written: every rule optional. */
export type PolicyInput = z.input<typeof policySchema>;
export type Policy = z.output<typeof policySchema>;

export const defaultPolicy: Policy = policySchema.parse({});

/**
 * What the caller knows of the evidence from elsewhere: the hash and the model of the key bundle that came with it, and
 * the masterchain block it names, as the caller read it from chain.
 */
export interface EvidenceClaims {
    /** SHA-256 of the key bundle. */
    bundleHash?: Buffer;
    modelRoot?: Buffer;
    block?: { rootHash: Buffer; time: Date };
}
