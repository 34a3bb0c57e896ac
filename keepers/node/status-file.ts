import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorMessage } from '../base';
import { replaceFile } from '../config';
import { NodeError } from './errors';

const count = z.int().min(0);

/**
 * What a node says about itself to the commands of its provider. It leaves the TEE: states and counts only, nothing of a
 * request.
 */
export const nodeStatusSchema = z.object({
    version: z.literal(1),
    pid: count,
    phase: z.enum(['starting', 'serving', 'stopped', 'failed']),
    /** Why it does not serve, where it failed. */
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    startedAtMs: count,
    updatedAtMs: count,
    nodeKey: z.string().nullable(),
    /** Of its attestation in force, unix seconds. */
    keyNotAfterSec: count.nullable(),
    /** The first one; connected: any of them is. */
    dispatcher: z.object({ url: z.string(), connected: z.boolean(), problem: z.string().nullable() }),
    /** Every one, learned replicas too. */
    dispatchers: z
        .array(z.object({ url: z.string(), hub: z.string(), connected: z.boolean(), problem: z.string().nullable() }))
        .default([]),
    engine: z
        .object({
            ok: z.boolean(),
            detail: z.string(),
            models: z.array(z.object({ id: z.string(), contextLength: count, capabilities: z.array(z.string()) })),
        })
        .nullable(),
    offer: z.object({ hash: z.string(), expiresAtSec: count }).nullable(),
    requests: z.object({
        inFlight: count,
        answered: count,
        /** Refused before their first frame, by code. */
        refused: z.record(z.string(), count),
        lastAtMs: count.nullable(),
    }),
});

export type NodeStatus = z.output<typeof nodeStatusSchema>;

export function writeNodeStatus(file: string, status: NodeStatus): void {
    replaceFile(file, `${JSON.stringify(status, null, 4)}\n`, { synced: false });
}

/** Null when no node has ever run with these files. @throws NodeError */
export function readNodeStatus(file: string): NodeStatus | null {
    try {
        return nodeStatusSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw new NodeError(
            'status_unreadable',
            `${file}: ${errorMessage(error)}: remove it, a running node writes it anew`,
            {
                cause: error,
            },
        );
    }
}
