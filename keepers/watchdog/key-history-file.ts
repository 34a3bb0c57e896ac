import { readFileSync } from 'node:fs';
import { Address } from '@ton/core';
import { z } from 'zod';
import { errorMessage, type Logger } from '../base';
import { replaceFile } from '../config';
import type { KeyHistory, KeyHistoryStore } from './known-keys';

const bytes32 = z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .transform((hex) => Buffer.from(hex, 'hex'));
const address = z.string().transform((raw) => Address.parseRaw(raw));

const historySchema = z.strictObject({
    version: z.literal(1),
    hub: z.string(),
    cursor: z.strictObject({
        lt: z
            .string()
            .regex(/^\d{1,20}$/)
            .transform(BigInt),
        hash: bytes32.nullable(),
    }),
    keys: z.array(z.strictObject({ nodeKey: bytes32, owner: address, goneSinceSec: z.int().min(0).nullable() })),
});

/** A file with the keys of one hub. What it can't give is looked up on chain again, as far as that goes back. */
export class KeyHistoryFile implements KeyHistoryStore {
    private written = '';

    constructor(private readonly options: { file: string; hub: Address; logger: Logger }) {}

    load(): KeyHistory | null {
        const { file, hub, logger } = this.options;
        try {
            const history = historySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
            if (history.hub === hub.toRawString()) return history;
            logger.warn({ file }, 'the keys in the file are of another hub: those of this one are looked up on chain');
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
                logger.error(
                    { file, error: errorMessage(error) },
                    'the file of known keys can’t be read: starting over',
                );
        }
        return null;
    }

    /** A watchdog that can't write goes on: it forgets at its next start what the chain no longer shows. */
    save({ cursor, keys }: KeyHistory): void {
        const { file, hub, logger } = this.options;
        const text = `${JSON.stringify({
            version: 1,
            hub: hub.toRawString(),
            cursor: { lt: cursor.lt.toString(), hash: cursor.hash?.toString('hex') ?? null },
            keys: keys.map(({ nodeKey, owner, goneSinceSec }) => ({
                nodeKey: nodeKey.toString('hex'),
                owner: owner.toRawString(),
                goneSinceSec,
            })),
        })}\n`;
        if (text === this.written) return;
        try {
            replaceFile(file, text, { synced: true });
            this.written = text;
        } catch (error) {
            logger.error({ file, error: errorMessage(error) }, 'the file of known keys can’t be written');
        }
    }
}
