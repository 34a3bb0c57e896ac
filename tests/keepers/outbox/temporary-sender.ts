import path from 'node:path';
import type { ChainClient, WalletKey, WalletKind } from '../../../keepers/chain';
import type { Outbox } from '../../../keepers/ledger';
import { openSender, type OutboxSender } from '../../../keepers/outbox';
import { createLogger } from '../../../keepers/base';
import { temporaryFolder } from '../ledger/temporary-folder';

export interface TemporarySenders {
    open(options: {
        client: ChainClient;
        key: WalletKey;
        kind?: WalletKind;
        file?: string;
        /** Of a ledger, in place of a file. */
        outbox?: Outbox;
    }): OutboxSender;
}

/** Wallets with an outbox file each, closed and removed when the suite that calls this is over. */
export function useTemporarySenders(): TemporarySenders {
    const folder = temporaryFolder();
    const opened: (() => Promise<void>)[] = [];
    const logger = createLogger({ name: 'sender', level: 'silent' });
    afterAll(() => Promise.all(opened.map((close) => close())));
    return {
        open: ({ file, outbox: given, ...options }) => {
            const outbox = given ?? { file: file ?? path.join(folder, `outbox-${opened.length}.sqlite`) };
            const retention = { retentionHours: 720, logger };
            const { sender, close } = openSender({ ...options, pollIntervalMs: 10, outbox, ...retention });
            opened.push(close);
            return sender;
        },
    };
}
