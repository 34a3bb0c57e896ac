import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Address } from '@ton/core';
import { z } from 'zod';
import { errorMessage } from '../base';
import { ChainError } from './errors';

const address = z.string().transform((text, context) => {
    try {
        return Address.parse(text);
    } catch {
        context.addIssue({ code: 'custom', message: 'must be a TON address' });
        return z.NEVER;
    }
});
const uint32 = z.int().min(0).max(0xffff_ffff);
const bps = z.int().min(0).max(10_000);
const hex = (bytes: number) =>
    z
        .string()
        .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `must be ${bytes} bytes in lower-case hex`)
        .transform((text) => Buffer.from(text, 'hex'));

const hubSchema = z.strictObject({
    address,
    operator: address,
    closeDelaySec: uint32,
    maxFeeBps: bps,
    initialFeeBps: bps,
    salt: uint32,
    /** Base URL of its dispatcher; null until announced. */
    endpoint: z.url().nullable().default(null),
});

const deploymentSchema = z.strictObject({
    version: z.literal(1),
    /** development: quotes are minted under the root below. production: Intel's root. */
    kind: z.enum(['production', 'development']),
    /** P-256 public key of the quote root, x | y. */
    rootPublicKey: hex(64),
    /** P-384 public key of the GPU root, uncompressed; NVIDIA's where absent, and always in production. */
    gpuRootPublicKey: hex(97).optional(),
    /** SHA-256 of the SEV-SNP root's public key; AMD's roots where absent, and always in production. */
    snpRootKeyHash: hex(32).optional(),
    registry: address,
    /** With kind and root key these are what the registry's address is computed from. */
    registryTerms: z.strictObject({
        owner: address,
        guardian: address,
        governanceDelaySec: uint32,
        salt: uint32,
    }),
    /** Null until it is deployed: deployments are resumed step by step. */
    quoteVerifier: address.nullable().default(null),
    hubs: z.array(hubSchema).max(1024).default([]),
});

/** What pins a network: scripts write it, every keeper reads it. */
export type Deployment = z.output<typeof deploymentSchema>;
export type HubDeployment = Deployment['hubs'][number];

/** @throws ChainError `deployment_invalid` with every problem found */
export function readDeployment(file: string): Deployment {
    return parseDeployment(readText(file), file);
}

export function parseDeployment(text: string, file: string): Deployment {
    try {
        const parsed = deploymentSchema.safeParse(JSON.parse(text));
        if (parsed.success) return parsed.data;
        throw new ChainError('deployment_invalid', `${file}: ${z.prettifyError(parsed.error)}`);
    } catch (error) {
        if (error instanceof ChainError) throw error;
        throw new ChainError('deployment_invalid', `${file} is not JSON: ${errorMessage(error)}`, { cause: error });
    }
}

/** Replaces the file in one step, synced: a reader sees the old or the new one, never half of it. */
export function writeDeployment(file: string, deployment: Deployment): void {
    const text = `${JSON.stringify(deployment, toJson, 4)}\n`;
    parseDeployment(text, file);
    mkdirSync(path.dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.tmp`;
    const handle = openSync(temporary, 'w', 0o644);
    try {
        // Not `writeSync`: a disk that runs full takes a part, and that is no failure to it.
        writeFileSync(handle, text);
        fsyncSync(handle);
    } finally {
        closeSync(handle);
    }
    renameSync(temporary, file);
}

function readText(file: string): string {
    try {
        return readFileSync(file, 'utf8');
    } catch (error) {
        throw new ChainError('deployment_invalid', `Can't read ${file}: ${errorMessage(error)}`, { cause: error });
    }
}

/** Buffers and addresses turn themselves into JSON before a replacer sees them, hence `this`. */
function toJson(this: unknown, key: string, value: unknown): unknown {
    const original = (this as Record<string, unknown>)[key];
    if (Buffer.isBuffer(original)) return original.toString('hex');
    if (original instanceof Address) return original.toString();
    return value;
}
