import { type Clock, errorMessage, type Logger } from '../base';

export interface ReattestationOptions {
    /** How long the attestation in force lasts; the next is taken when half of it is over. */
    keyLifeSec: number;
    /** Chain time, unix seconds. */
    chainTimeSec: () => Promise<number>;
    /** Attests the same key again and resolves to its new not-after. */
    attest: () => Promise<number>;
    /** Not-after of the attestation in force. */
    notAfterSec: number;
    clock: Clock;
    logger: Logger;
    checkIntervalMs?: number;
}

/** Keeps a node admitted for as long as it runs. A failed try is repeated; there is half a life's time for that. */
export class Reattestation {
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;
    private notAfterSec: number;
    private renewAtSec: number;
    private renewing: Promise<number> | undefined;

    constructor(private readonly options: ReattestationOptions) {
        this.notAfterSec = options.notAfterSec;
        this.renewAtSec = options.notAfterSec - options.keyLifeSec / 2;
    }

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    /** One look at the clock; attests when it is time. */
    async check(): Promise<void> {
        const { chainTimeSec, logger } = this.options;
        try {
            if ((await chainTimeSec()) >= this.renewAtSec) await this.renew();
        } catch (error) {
            logger.warn(
                { reason: errorMessage(error), notAfterSec: this.notAfterSec },
                'attesting again failed; the next try is soon',
            );
        }
    }

    /** Attests now, whether it is time or not; resolves to the new not-after. One at a time. */
    renew(): Promise<number> {
        this.renewing ??= this.attestAgain().finally(() => (this.renewing = undefined));
        return this.renewing;
    }

    private async attestAgain(): Promise<number> {
        const { chainTimeSec, attest, logger } = this.options;
        const nowSec = await chainTimeSec();
        this.notAfterSec = await attest();
        // Half of what it got: governance may have made lives shorter since.
        this.renewAtSec = nowSec + (this.notAfterSec - nowSec) / 2;
        logger.info({ notAfterSec: this.notAfterSec }, 'attested again');
        return this.notAfterSec;
    }

    private async run(): Promise<void> {
        const { clock, checkIntervalMs = 60_000 } = this.options;
        while (!this.stopping.signal.aborted) {
            await clock.sleep(checkIntervalMs, this.stopping.signal).catch(() => undefined);
            if (!this.stopping.signal.aborted) await this.check();
        }
    }
}
