import type { NodeConfig } from '../config';

export interface NodeFiles {
    /** Prices that `cocoon node set-prices` published. */
    prices: string;
    /** What the node last said about itself. */
    status: string;
    /** What it earned by day and model. */
    tally: string;
    /** Messages to the chain, recorded before they are sent. */
    outbox: string;
}

/** Files beside the receipt log, by which the node and the commands of its provider know of each other. */
export function nodeFiles(config: Pick<NodeConfig, 'receiptLogFile' | 'outboxFile'>): NodeFiles {
    const { receiptLogFile, outboxFile } = config;
    return {
        prices: `${receiptLogFile}.prices.json`,
        status: `${receiptLogFile}.status.json`,
        tally: `${receiptLogFile}.tally.json`,
        outbox: outboxFile ?? `${receiptLogFile}.outbox.sqlite`,
    };
}
