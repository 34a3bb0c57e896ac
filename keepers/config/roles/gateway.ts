import { z } from 'zod';
import { addressField, listenField, nanoField, retentionField, tracesField, urlField } from '../fields';
import { amdKdsUrl, collateralField, shared } from './keeper-fields';

const gatewayGpuField = z.strictObject({
    /** Nodes that show evidence of fewer GPUs are refused; with 0, nodes without any are taken. */
    minCount: z.int().min(0).max(16).default(0),
    /** Who judges revocation and reference measurements; without it nobody does. */
    nras: z
        .strictObject({
            /** NVIDIA's https://nras.attestation.nvidia.com, or a development network's. */
            url: urlField,
            /** Where its keys are, unless at /.well-known/jwks.json of the same. */
            jwksUrl: urlField.optional(),
            /** Whom its tokens name as issuer, unless that URL. */
            issuer: z.string().min(1).max(256).optional(),
        })
        .optional(),
});

/** Evidence of SEV-SNP is verified by no contract, so a gateway takes it only where its operator says so. */
const snpField = z.strictObject({
    /** AMD's key distribution service, or the development network's own. */
    kdsUrl: urlField.default(amdKdsUrl),
    /** Keeps revocation lists across restarts. */
    cacheFolder: z.string().min(1).optional(),
    /** JSON of what to accept; docs/attestation.md lists the rules. */
    policyFile: z.string().min(1).optional(),
});

export const gatewaySchema = z.strictObject({
    ...shared,
    traces: tracesField.optional(),
    role: z.literal('gateway'),
    /** Used beside those of listed hubs; the only ones that may speak http. */
    dispatchers: z
        .array(z.strictObject({ url: urlField, hub: addressField }))
        .max(16)
        .default([]),
    /** Whether to use every hub of the registry's list at which the client has an open escrow. */
    useListedHubs: z.boolean().default(true),
    client: addressField,
    escrowIndex: z.int().min(0).max(0xffff_ffff).default(0),
    sessionKeyFile: z.string().min(1),
    ledgerFile: z.string().min(1),
    /** How long requests and their receipts are kept; what each key has spent stays. */
    retentionHours: retentionField(90),
    listen: listenField,
    collateral: collateralField,
    gpu: gatewayGpuField.default({ minCount: 0 }),
    /** Without it SEV-SNP nodes are refused. */
    snp: snpField.optional(),
    /** File with one API key a line; without it the gateway must listen on loopback and takes any key. */
    apiKeysFile: z.string().optional(),
    maxBodyBytes: z
        .int()
        .min(1024)
        .max(32 * 1024 * 1024)
        .default(16_777_216),
    requestTimeoutMs: z.int().min(1_000).max(3_600_000).default(600_000),
    /** Refuse offers above this, nanoTON a million output tokens. */
    maxOutputPriceNano: nanoField.optional(),
});
