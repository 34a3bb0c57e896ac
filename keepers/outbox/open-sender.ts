import { type ChainClient, ChainWallet, type WalletKey, type WalletKind } from '../chain';
import { type Logger, systemClock } from '../base';
import { openOutboxFile, type Outbox, type OutboxFile, RetentionJob } from '../ledger';
import { OutboxSender } from './outbox-sender';

export interface SenderSettings {
    client: ChainClient;
    key: WalletKey;
    kind?: WalletKind;
    pollIntervalMs?: number;
    /** The outbox of a ledger that the keeper has anyway, or a file of its own. */
    outbox: Outbox | { file: string };
    /** How long what is done is kept in a file of its own. */
    retentionHours: number;
    logger: Logger;
}

export interface OpenedSender {
    sender: OutboxSender;
    /** Closes the file, if it is the keeper's own. */
    close: () => Promise<void>;
}

/** A wallet whose requests are recorded in the outbox before they leave. */
export function openSender({ outbox: place, retentionHours, logger, ...wallet }: SenderSettings): OpenedSender {
    const file = 'file' in place ? openOutboxFile(place) : null;
    const outbox = file?.outbox ?? (place as Outbox);
    const sender = new OutboxSender({ outbox, wallet: new ChainWallet({ ...wallet, journal: outbox }) });
    if (file === null) return { sender, close: async () => undefined };
    const retention = retentionOf(file, { retentionHours, logger });
    retention.start();
    const close = async () => {
        await retention.stop();
        await file.close();
    };
    return { sender, close };
}

function retentionOf(file: OutboxFile, of: Pick<SenderSettings, 'retentionHours' | 'logger'>): RetentionJob {
    return new RetentionJob({
        retentionMs: of.retentionHours * 3_600_000,
        compact: async (beforeMs, pause) => ({ intents: await file.compact(beforeMs, pause) }),
        clock: systemClock,
        logger: of.logger,
    });
}
