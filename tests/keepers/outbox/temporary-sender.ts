import path from 'node:path';
import type { ChainClient, WalletKey, WalletKind } from '../../../keepers/chain';
import { openSender, type OutboxSender } from '../../../keepers/outbox';
import { createLogger } from '../../../keepers/base';
import { temporaryFolder } from '../ledger/temporary-folder';

export interface TemporarySenders {
    open(options: { client: ChainClient; key: WalletKey; kind?: WalletKind; file?: string }): OutboxSender;
}

/** Wallets with an outbox file each, closed and removed when the suite that calls this is over. */
export function useTemporarySenders(): TemporarySenders {
    const folder = temporaryFolder();
    const opened: (() => Promise<void>)[] = [];
    const logger = createLogger({ name: 'sender', level: 'silent' });
    afterAll(() => Promise.all(opened.map((close) => close())));
    return {
        open: ({ file, ...options }) => {
            const outbox = { file: file ?? path.join(folder, `outbox-${opened.length}.sqlite`) };
            const { sender, close } = openSender({
                ...options,
                pollIntervalMs: 10,
                outbox,
                retentionHours: 720,
                logger,
            });
            opened.push(close);
            return sender;
        },
    };
}
