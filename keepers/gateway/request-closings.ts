import type { Clock, Logger } from '../base';
import type { AnswerReceipt } from '../confidential';
import { type GatewayLedger, type GatewayReceipt, LedgerError } from '../ledger';
import { isLedgerDown, receiptNotRecorded } from './ledger-failure';

export interface RequestClosingsOptions {
    ledger: Pick<GatewayLedger, 'resolve' | 'fail' | 'lose' | 'noteCheckpoint'>;
    clock: Clock;
    logger: Logger;
}

/** `fail`: nothing is owed. `lose`: what is owed is not known yet. `resolve`: it is, by this receipt. */
type Ending = { how: 'fail' | 'lose'; code: string } | { how: 'resolve'; final: GatewayReceipt };
type Closing = Ending & { requestId: Buffer };

/**
 * How requests end. A ledger that can't be written to, on a full disk say, must not leave one open for ever, nor
 * forget what it owes: what it did not take is written once it does. After a restart `GatewayLedger.recover` marks
 * such requests as lost, and their receipts come from the dispatcher.
 */
export class RequestClosings {
    private readonly waiting = new Map<string, Closing>();

    constructor(private readonly options: RequestClosingsOptions) {}

    /** @throws GatewayError `ledger_unavailable` while the receipt is not on disk; LedgerError when it is a wrong one */
    async resolve(requestId: Buffer, final: GatewayReceipt): Promise<void> {
        const { ledger, clock } = this.options;
        try {
            await ledger.resolve(requestId, final, clock.nowMs());
        } catch (error) {
            if (!isLedgerDown(error)) throw error;
            this.wait({ requestId, how: 'resolve', final }, error.code);
            throw receiptNotRecorded(error, requestId.toString('hex'));
        }
    }

    fail(requestId: Buffer, code: string): Promise<void> {
        return this.close({ requestId, how: 'fail', code });
    }

    /** @param checkpoint the last receipt of the node that was seen: what is owed at least */
    async lose(requestId: Buffer, code: string, checkpoint?: AnswerReceipt): Promise<void> {
        await this.close({ requestId, how: 'lose', code });
        if (checkpoint !== undefined) await this.noteCheckpoint(requestId, checkpoint);
    }

    /** The dispatcher has it too: what can't be noted now is asked for by the recovery. */
    private async noteCheckpoint(requestId: Buffer, checkpoint: AnswerReceipt): Promise<void> {
        const { receipt, nodeSignature, usageHash, transcriptHash } = checkpoint;
        try {
            const noted = { receipt, signature: nodeSignature, usageHash, transcriptHash };
            await this.options.ledger.noteCheckpoint(requestId, noted);
        } catch (error) {
            const code = error instanceof LedgerError ? error.code : 'unknown';
            this.options.logger.warn({ request: requestId.toString('hex'), code }, 'a checkpoint was not noted');
        }
    }

    /** Those that the ledger did not take. */
    async retry(): Promise<void> {
        for (const closing of [...this.waiting.values()]) await this.write(closing);
    }

    private async close(closing: Closing): Promise<void> {
        // The receipt that waits says more than that there was none.
        if (this.waiting.get(closing.requestId.toString('hex'))?.how === 'resolve') return;
        await this.write(closing);
    }

    private async write(closing: Closing): Promise<void> {
        const { ledger, clock } = this.options;
        const { requestId } = closing;
        const atMs = clock.nowMs();
        try {
            if (closing.how === 'resolve') await ledger.resolve(requestId, closing.final, atMs);
            else await ledger[closing.how](requestId, closing.code, atMs);
            this.waiting.delete(requestId.toString('hex'));
        } catch (error) {
            this.onRefused(closing, error instanceof LedgerError ? error.code : 'unknown');
        }
    }

    private onRefused(closing: Closing, code: string): void {
        const id = closing.requestId.toString('hex');
        // Whatever else it ended in meanwhile stands.
        if (code === 'request_state_invalid' || code === 'request_unknown') this.waiting.delete(id);
        // The dispatcher has the receipt too, and the recovery judges it.
        else if (closing.how === 'resolve' && code === 'receipt_inconsistent')
            this.waiting.set(id, { requestId: closing.requestId, how: 'lose', code });
        else this.wait(closing, code);
    }

    private wait(closing: Closing, code: string): void {
        const id = closing.requestId.toString('hex');
        if (!this.waiting.has(id))
            this.options.logger.warn({ request: id, code }, 'the end of a request was not written');
        this.waiting.set(id, closing);
    }
}
