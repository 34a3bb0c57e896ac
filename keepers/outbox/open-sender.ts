import { type ChainClient, ChainWallet, type WalletKey, type WalletKind } from '../chain';
import { openOutboxFile, type Outbox } from '../ledger';
import { OutboxSender } from './outbox-sender';

export interface SenderSettings {
    client: ChainClient;
    key: WalletKey;
    kind?: WalletKind;
    pollIntervalMs?: number;
    /** The outbox of a ledger that the keeper has anyway, or a file of its own. */
    outbox: Outbox | { file: string };
}

export interface OpenedSender {
    sender: OutboxSender;
    /** Closes the file, if it is the keeper's own. */
    close: () => Promise<void>;
}

/** A wallet whose requests are recorded in the outbox before they leave. */
export function openSender({ outbox: place, ...wallet }: SenderSettings): OpenedSender {
    const file = 'file' in place ? openOutboxFile(place) : null;
    const outbox = file?.outbox ?? (place as Outbox);
    const sender = new OutboxSender({ outbox, wallet: new ChainWallet({ ...wallet, journal: outbox }) });
    return { sender, close: async () => file?.close() };
}
