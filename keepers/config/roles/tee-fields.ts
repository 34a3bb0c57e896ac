import { z } from 'zod';
import { urlField } from '../fields';
import { amdKdsUrl } from './keeper-fields';

/** Where dstack mounts its guest agent. */
const dstackSocket = '/var/run/dstack.sock';

/** The key that signs receipts; always a new one at each start. */
export const signingField = z.discriminatedUnion('kind', [
    z.strictObject({
        /** Made inside this TEE and never stored. */
        kind: z.literal('generated'),
        suite: z.enum(['ed25519', 'secp256k1']).default('ed25519'),
    }),
    z.strictObject({
        /** An Ethereum key that dstack's guest agent derives from the application's, so that its KMS vouches for it. */
        kind: z.literal('dstack'),
        socketPath: z.string().min(1).default(dstackSocket),
        path: z.string().min(1).max(128).default('cocoon/node'),
    }),
]);

export const teeField = z.discriminatedUnion('kind', [
    /** Linux configfs-tsm: a real TDX guest. */
    z.strictObject({
        kind: z.literal('configfs-tsm'),
        reportPath: z.string().default('/sys/kernel/config/tsm/report'),
    }),
    /** A dstack CVM (Phala, NEAR AI): quotes by its guest agent. */
    z.strictObject({
        kind: z.literal('dstack'),
        socketPath: z.string().min(1).default(dstackSocket),
    }),
    /** Development networks: quotes minted under the network's own root. */
    z.strictObject({
        kind: z.literal('simulated'),
        pkiSeedFile: z.string(),
        platform: z.int().min(0).max(0xffff_ffff).default(0),
    }),
    /** A SEV-SNP guest: its reports are verified by clients, and its key is admitted by a higher bond. */
    z.strictObject({
        kind: z.literal('snp'),
        /** Linux configfs-tsm. */
        reportPath: z.string().default('/sys/kernel/config/tsm/report'),
        /** In its place a program and its arguments; the report data in hex comes last, it prints the report. */
        command: z.array(z.string().min(1)).min(1).max(32).optional(),
        timeoutMs: z.int().min(100).max(120_000).default(30_000),
        /** Certificate of the key that signs, DER or PEM (a VLEK's must be given), and PEM of its authority and root. */
        vekFile: z.string().min(1).optional(),
        chainFile: z.string().min(1).optional(),
        /** Where they are fetched otherwise. */
        kdsUrl: urlField.default(amdKdsUrl),
        cacheFolder: z.string().min(1).optional(),
        /** Of the processor, where its reports are of version 2 and do not say. */
        product: z.enum(['Milan', 'Genoa', 'Turin']).optional(),
    }),
    /** Development networks: reports minted under a root that follows from the seed. */
    z.strictObject({
        kind: z.literal('simulated-snp'),
        pkiSeedFile: z.string(),
        platform: z.int().min(0).max(0xffff_ffff).default(0),
    }),
]);

const gpuDeadline = z.int().min(100).max(120_000).default(30_000);
const gpuCount = z.int().min(1).max(16).default(1);

/** The NVIDIA GPUs of a node, and who yields their evidence for a nonce: JSON as NVIDIA's tools write it. */
export const nodeGpuField = z.discriminatedUnion('kind', [
    z.strictObject({
        /** A program and its arguments; the nonce in hex comes last. */
        kind: z.literal('command'),
        command: z.array(z.string().min(1)).min(1).max(32),
        count: gpuCount,
        timeoutMs: gpuDeadline,
    }),
    z.strictObject({
        /** An agent in the same guest, asked with ?nonce=. */
        kind: z.literal('url'),
        url: urlField,
        count: gpuCount,
        timeoutMs: gpuDeadline,
    }),
    z.strictObject({
        /** Development networks: evidence minted under the network's own root. */
        kind: z.literal('simulated'),
        pkiSeedFile: z.string(),
        platform: z.int().min(0).max(0xffff_ffff).default(0),
        architecture: z.enum(['HOPPER', 'BLACKWELL']).default('HOPPER'),
        count: gpuCount,
    }),
]);
