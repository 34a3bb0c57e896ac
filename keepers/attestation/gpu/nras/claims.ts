import { z } from 'zod';

const hexNonce = z.string().regex(/^[0-9a-fA-F]{64}$/);
const seconds = z.number().int().min(0);

/** What every token of the service has. Tokens carry more than is judged; what is judged must be there. */
const common = z.object({ iss: z.string(), iat: seconds, nbf: seconds, exp: seconds, eat_nonce: hexNonce });

const submodule = z.tuple([
    z.literal('DIGEST'),
    z.tuple([z.literal('SHA-256'), z.string().regex(/^[0-9a-fA-F]{64}$/)]),
]);

/** The token over all GPUs, claims version 3. */
export const overallClaimsSchema = common.extend({
    'x-nvidia-ver': z.literal('3.0'),
    'x-nvidia-overall-att-result': z.boolean(),
    submods: z.record(z.string().regex(/^GPU-\d{1,2}$/), submodule),
});
export type OverallClaims = z.output<typeof overallClaimsSchema>;

const chainStatus = z.object({
    'x-nvidia-cert-status': z.string(),
    'x-nvidia-cert-ocsp-status': z.string(),
    'x-nvidia-cert-revocation-reason': z.string().nullish(),
});

/** Certificate chains that a token speaks of: the GPU's, and those of who signed the two sets of reference values. */
export const chainClaims = [
    'x-nvidia-gpu-attestation-report-cert-chain',
    'x-nvidia-gpu-driver-rim-cert-chain',
    'x-nvidia-gpu-vbios-rim-cert-chain',
] as const;

/** Claims that must all be true. */
export const trueClaims = [
    'x-nvidia-gpu-arch-check',
    'x-nvidia-gpu-attestation-report-parsed',
    'x-nvidia-gpu-attestation-report-signature-verified',
    'x-nvidia-gpu-attestation-report-nonce-match',
    'x-nvidia-gpu-attestation-report-cert-chain-fwid-match',
    'x-nvidia-gpu-driver-rim-fetched',
    'x-nvidia-gpu-driver-rim-schema-validated',
    'x-nvidia-gpu-driver-rim-signature-verified',
    'x-nvidia-gpu-driver-rim-version-match',
    'x-nvidia-gpu-driver-rim-measurements-available',
    'x-nvidia-gpu-vbios-rim-fetched',
    'x-nvidia-gpu-vbios-rim-schema-validated',
    'x-nvidia-gpu-vbios-rim-signature-verified',
    'x-nvidia-gpu-vbios-rim-version-match',
    'x-nvidia-gpu-vbios-rim-measurements-available',
    'x-nvidia-gpu-vbios-index-no-conflict',
] as const;

function shapeOf<Name extends string, Schema extends z.ZodType>(names: readonly Name[], schema: Schema) {
    return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}

/** The token of one GPU. A refusing service leaves `secboot` and `dbgstat` out, or null. */
export const gpuClaimsSchema = common.extend({
    ueid: z.string().regex(/^\d{1,60}$/),
    measres: z.string(),
    secboot: z.boolean().nullish(),
    dbgstat: z.string().nullish(),
    'x-nvidia-gpu-driver-version': z.string(),
    'x-nvidia-gpu-vbios-version': z.string(),
    ...shapeOf(trueClaims, z.boolean()),
    ...shapeOf(chainClaims, chainStatus),
});
export type GpuClaimsOfToken = z.output<typeof gpuClaimsSchema>;

/** A token of 4 kB is a long one. */
const jwt = z
    .string()
    .max(16 * 1024)
    .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/);

/** The service's whole answer: the token over all, and one for each GPU that it names by digest. */
export const detachedEatSchema = z.tuple([
    z.tuple([z.literal('JWT'), jwt]),
    z.record(z.string().regex(/^GPU-\d{1,2}$/), jwt),
]);
export type DetachedEat = z.output<typeof detachedEatSchema>;

/** Keys of the service; others than those for its tokens may stand among them. */
export const jwksSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(64) });
export type NrasKeys = z.output<typeof jwksSchema>;
