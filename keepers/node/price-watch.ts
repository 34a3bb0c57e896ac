import { errorMessage, type Logger } from '../base';
import { readPricesFile } from '../config';
import type { OfferBook } from './offers';

export interface PriceWatchOptions {
    /** A missing file changes nothing: the prices of the configuration hold. */
    file: string;
    offers: Pick<OfferBook, 'reprice'>;
    /** Signs and publishes the offer with the new prices. */
    publish: () => void;
    logger: Logger;
    intervalMs?: number;
}

/** Takes up published prices while the node runs: no restart, no new quote. A file that is not valid changes nothing. */
export class PriceWatch {
    private timer: NodeJS.Timeout | undefined;
    private problem: string | null = null;

    constructor(private readonly options: PriceWatchOptions) {}

    /** @throws ConfigError: a node must not start at prices other than those published */
    load(): void {
        const { file, offers } = this.options;
        offers.reprice(readPricesFile(file));
    }

    start(): void {
        this.timer ??= setInterval(() => this.check(), this.options.intervalMs ?? 1_000);
    }

    stop(): void {
        clearInterval(this.timer);
    }

    check(): void {
        const { file, offers, publish, logger } = this.options;
        try {
            const changed = offers.reprice(readPricesFile(file));
            this.problem = null;
            if (!changed) return;
            publish();
            logger.info('new prices are published; requests under the old offer keep its prices');
        } catch (error) {
            const problem = errorMessage(error);
            if (problem !== this.problem)
                logger.error({ problem }, 'published prices are not valid: the old ones stay');
            this.problem = problem;
        }
    }
}
