import { stat } from 'node:fs/promises';
import type { Settleable } from './dispatch-records';
import { LatestReceipts } from './latest-receipts';
import { scanNodeLog } from './node-log-reader';

/**
 * A node's log that is looked at again and again: each time only what was appended since is read, and all of it where
 * compaction has put another file in its place. A log that a node keeps for weeks has hundreds of megabytes.
 */
export class FollowedNodeLog {
    /** Of which file the first `bytes` are in `latest`. */
    private file = '';
    private bytes = 0;
    private latest = new LatestReceipts();

    constructor(private readonly fileName: string) {}

    /** As `readNodeLogSettleable`. One call at a time. @throws LedgerError `log_corrupt` */
    async settleable(): Promise<Settleable[]> {
        const { dev, ino, birthtimeMs, size } = await stat(this.fileName);
        const file = `${dev}/${ino}/${birthtimeMs}`;
        if (file !== this.file || size < this.bytes) this.startOver(file);
        try {
            await this.readOn();
        } catch (error) {
            if (this.bytes === 0) throw error;
            // It may have been replaced a moment ago: damage is there when all is read as well.
            this.startOver(file);
            await this.readOn();
        }
        return this.latest.settleable();
    }

    private startOver(file: string): void {
        this.file = file;
        this.bytes = 0;
        this.latest = new LatestReceipts();
    }

    private async readOn(): Promise<void> {
        const { intactBytes } = await scanNodeLog(this.fileName, (entry) => this.latest.add(entry), {
            fromBytes: this.bytes,
        });
        this.bytes += intactBytes;
    }
}
