import type { Address } from '@ton/core';
import { z } from 'zod';
import type { GpuVerdict, SnpVerdict, Verdict } from '../attestation';
import { maxReplicas, replicaUrlSchema } from '../dispatch';
import type { KemCertificate, Offer } from '../confidential';
import type { KeyBundle } from '../../wrappers';
import { isSmallJson } from './row-size';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = z.base64().max(65_536);

/** One row of a dispatcher's directory; nothing in it is believed before it is checked. */
export const nodeRowSchema = z.object({
    nodeKey: hex32,
    bundle: z.base64().max(512),
    /** TDX quote; a SEV-SNP report where its certificates stand beside it. */
    quote: base64,
    snp: z.object({ vek: base64, chain: z.string().max(32_768) }).optional(),
    /** Of the GPUs that the bundle names; its form is judged by the verifier too. */
    gpuEvidence: z.unknown().refine(isSmallJson, 'too large').optional(),
    kemCertificates: z.array(base64).min(1).max(4),
    offer: base64,
    load: z.object({
        inFlight: z.int().min(0),
        queued: z.int().min(0),
        maxConcurrency: z.int().min(1),
        firstFrameMsP50: z.number().min(0).nullable(),
        failureShare: z.number().min(0).max(1),
    }),
});
export type NodeRow = z.output<typeof nodeRowSchema>;
export type NodeLoadFeed = NodeRow['load'];

/** A version as a dispatcher gives it; it is only ever given back. */
const versionTag = z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .optional();
export const maxNodes = 20_000;

export const directorySchema = z.object({
    network: hex32,
    hub: hex32,
    version: versionTag,
    /** Present where `nodes` and `gone` are what changed since then. */
    since: versionTag,
    /** There is more than was asked for: it changed since `version`. */
    more: z.boolean().default(false),
    /** Where else the same ledger is served from. */
    replicas: z.array(replicaUrlSchema).max(maxReplicas).catch([]).default([]),
    /** It takes no new requests. */
    draining: z.boolean().default(false),
    nodes: z.array(z.unknown()).max(maxNodes),
    gone: z.array(hex32).max(maxNodes).default([]),
});

const count = z.int().min(0);
export const loadSchema = z.object({
    version: versionTag,
    load: z
        .record(hex32, z.tuple([count, count, count.min(1), z.number().min(0).nullable(), z.number().min(0).max(1)]))
        .refine((rows) => Object.keys(rows).length <= maxNodes, 'too many nodes'),
});

/** A node whose evidence held, with what was relied on. */
export interface TrustedNode {
    /** node key in hex */
    id: string;
    nodeKey: Buffer;
    dispatcherUrl: string;
    /** That admitted its key; an escrow there pays it. */
    hub: Address;
    bundle: KeyBundle;
    verdict: Verdict | SnpVerdict;
    /** Null for a node that declares no GPU. */
    gpu: GpuVerdict | null;
    offer: Offer;
    /** newest first */
    certificates: KemCertificate[];
    load: NodeLoadFeed;
    /** Requests that it did not begin of late, as this gateway saw it; fades with time. */
    trouble?: number;
    /** By the monotonic clock. */
    checkedAtMs: number;
}

/** What anyone can check again: base64 of bundle and quote, the collateral, the verdict. */
export interface NodeEvidence {
    nodeKey: string;
    bundle: string;
    quote: string;
    /** Certificates of a SEV-SNP report, which `quote` is then. */
    snp?: NodeRow['snp'];
    collateral: object | null;
    verdict: Verdict | SnpVerdict | null;
    /** Of its GPUs: as shown, and what it is worth. Null for a node that declares none. */
    gpuEvidence: unknown;
    gpu: GpuVerdict | null;
    trusted: boolean;
    /** why not, when not: a stable code and a sentence */
    refusal: { code: string; detail: string } | null;
    checkedAt: string;
}
