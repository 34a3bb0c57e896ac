import { leastPlatforms } from './platform-shares';

const windowPicks = 256;
/** Before so many picks a share says little. */
const minPicks = 32;

/** Which platforms the last picks went to. */
export class TrafficShare {
    private readonly recent: string[] = [];
    private next = 0;
    private readonly counts = new Map<string, number>();

    add(platform: string): void {
        const oldest = this.recent[this.next];
        if (oldest !== undefined) this.change(oldest, -1);
        this.recent[this.next] = platform;
        this.next = (this.next + 1) % windowPicks;
        this.change(platform, 1);
    }

    /** Whether one more would give the platform more than a quarter. */
    isFull(platform: string): boolean {
        const picks = this.recent.length;
        return picks >= minPicks && ((this.counts.get(platform) ?? 0) + 1) * leastPlatforms > picks;
    }

    private change(platform: string, by: 1 | -1): void {
        const count = (this.counts.get(platform) ?? 0) + by;
        if (count === 0) this.counts.delete(platform);
        else this.counts.set(platform, count);
    }
}
