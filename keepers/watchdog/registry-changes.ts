import type { Address } from '@ton/core';
import { type ChainClient, ChainError, type NetworkReader, transactionsSince } from '../chain';
import { errorMessage, type Logger } from '../base';
import { type ChangeLogHead, followChangeLog } from '../../wrappers';

/** Follows the registry's hash-chained change log: what governance changed is told, and is the moment to look at every key. */
export class RegistryChanges {
    private head: ChangeLogHead | null = null;
    private handledLt = 0n;

    constructor(
        private readonly options: { client: ChainClient; reader: NetworkReader; registry: Address; logger: Logger },
    ) {}

    /** Whether the registry's lists may have changed since the last call; always, the first time. */
    async haveChanged(): Promise<boolean> {
        const state = await this.options.reader.registry({ refresh: true });
        if (state === null) throw new ChainError('account_inactive', 'The registry is not on chain');
        const { version, logHash } = state;
        if (this.head !== null && this.head.version === version) return false;
        if (this.head !== null) await this.tell(this.head, { version, logHash });
        else this.handledLt = (await this.options.client.getAccount(this.options.registry)).lastTransaction?.lt ?? 0n;
        this.head = { version, logHash };
        return true;
    }

    /** What the log says is for people; what is acted on are the lists themselves. */
    private async tell(from: ChangeLogHead, head: ChangeLogHead): Promise<void> {
        const { client, registry, logger } = this.options;
        try {
            const fresh = await transactionsSince(client, registry, { fromLt: this.handledLt });
            const bodies = fresh.flatMap(({ outMessages }) =>
                outMessages.values().flatMap(({ info, body }) => (info.type === 'external-out' ? [body] : [])),
            );
            for (const { version, changedAt, change } of followChangeLog(bodies, { from, head }))
                logger.info({ version, changedAt, change: change.kind }, 'governance changed the registry');
            this.handledLt = fresh.at(-1)?.lt ?? this.handledLt;
        } catch (error) {
            logger.warn(
                { error: errorMessage(error) },
                'the registry’s change log could not be followed; its lists are looked at all the same',
            );
        }
    }
}
