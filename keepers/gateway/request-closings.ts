import type { Clock, Logger } from '../base';
import { type GatewayLedger, LedgerError } from '../ledger';

export interface RequestClosingsOptions {
    ledger: Pick<GatewayLedger, 'fail' | 'lose'>;
    clock: Clock;
    logger: Logger;
}

interface Closing {
    requestId: Buffer;
    /** `fail`: nothing is owed. `lose`: what is owed is not known yet. */
    how: 'fail' | 'lose';
    code: string;
}

/**
 * How requests end that have no final receipt. A ledger that can't be written to, on a full disk say, must not leave one open
 * for ever: what it did not take is written once it does. After a restart `GatewayLedger.recover` does the same.
 */
export class RequestClosings {
    private readonly waiting = new Map<string, Closing>();

    constructor(private readonly options: RequestClosingsOptions) {}

    fail(requestId: Buffer, code: string): Promise<void> {
        return this.close({ requestId, how: 'fail', code });
    }

    lose(requestId: Buffer, code: string): Promise<void> {
        return this.close({ requestId, how: 'lose', code });
    }

    /** Those that the ledger did not take. */
    async retry(): Promise<void> {
        for (const closing of [...this.waiting.values()]) await this.close(closing);
    }

    private async close(closing: Closing): Promise<void> {
        const { ledger, clock, logger } = this.options;
        const { requestId, how, code } = closing;
        const id = requestId.toString('hex');
        try {
            await ledger[how](requestId, code, clock.nowMs());
            this.waiting.delete(id);
        } catch (error) {
            const reason = error instanceof LedgerError ? error.code : 'unknown';
            if (!this.waiting.has(id))
                logger.warn({ request: id, code: reason }, 'the end of a request was not written');
            // Whatever else it ended in meanwhile stands.
            if (reason === 'request_state_invalid' || reason === 'request_unknown') this.waiting.delete(id);
            else this.waiting.set(id, closing);
        }
    }
}
