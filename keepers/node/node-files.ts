import type { NodeConfig } from '../config';

export interface NodeFiles {
    /** Prices that `cocoon node set-prices` published. */
    prices: string;
    /** What the node last said about itself. */
    status: string;
    /** What it earned by day and model. */
    tally: string;
}

/** Files beside the receipt log, by which the node and the commands of its provider know of each other. */
export function nodeFiles({ receiptLogFile }: Pick<NodeConfig, 'receiptLogFile'>): NodeFiles {
    return {
        prices: `${receiptLogFile}.prices.json`,
        status: `${receiptLogFile}.status.json`,
        tally: `${receiptLogFile}.tally.json`,
    };
}
