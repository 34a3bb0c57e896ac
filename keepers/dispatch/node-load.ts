/** How a node does, from its receipts and failures rather than its claims. Decays with every answer. */
export class NodeLoad {
    private readonly firstFramesMs: number[] = [];
    private median: number | null = null;
    private failures = 0;
    private answers = 0;
    private static readonly window = 64;

    succeeded(firstFrameMs: number): void {
        this.firstFramesMs.push(firstFrameMs);
        if (this.firstFramesMs.length > NodeLoad.window) this.firstFramesMs.shift();
        const sorted = [...this.firstFramesMs].sort((a, b) => a - b);
        this.median = sorted[Math.floor(sorted.length / 2)]!;
        this.count(0);
    }

    /** A fast failure makes a node worse, never better: it adds no latency sample. */
    failed(): void {
        this.count(1);
    }

    get failureShare(): number {
        return this.answers === 0 ? 0 : this.failures / this.answers;
    }

    get firstFrameMsP50(): number | null {
        return this.median;
    }

    private count(failures: 0 | 1): void {
        const keep = this.answers >= NodeLoad.window ? 1 - 1 / NodeLoad.window : 1;
        this.answers = this.answers * keep + 1;
        this.failures = this.failures * keep + failures;
    }
}
