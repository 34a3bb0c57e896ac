import type { Clock, Logger } from '../base';
import type { TrustedNode } from './trusted-node';

/** A node whose answer arrived broken is left alone this long: node and dispatcher can't be told apart there. */
const avoidMs = 60_000;
/** At every `fade`: half of it in about seven seconds. */
const troubleKept = 0.95;
const maxTrouble = 8;

/** What this gateway has seen nodes do, whatever their evidence says. */
export class NodeConduct {
    private readonly banned = new Map<string, string>();
    private readonly avoided = new Map<string, { untilMs: number; reason: string }>();
    /** Nodes that did not begin of late. */
    private readonly troubled = new Set<TrustedNode>();

    constructor(private readonly options: { clock: Clock; logger: Logger }) {}

    /** A node that lied is left for the life of its key. */
    ban(id: string, reason: string): void {
        this.options.logger.error({ node: id, reason }, 'node banned');
        this.banned.set(id, reason);
    }

    isBanned(id: string): boolean {
        return this.banned.has(id);
    }

    /** For faults that nobody has signed for: whoever is in between could have made them too. */
    avoid(id: string, reason: string): void {
        const { clock, logger } = this.options;
        const nowMs = clock.monotonicMs();
        logger.warn({ node: id, reason }, 'node avoided for a while');
        for (const [known, { untilMs }] of this.avoided) if (untilMs <= nowMs) this.avoided.delete(known);
        this.avoided.set(id, { untilMs: nowMs + avoidMs, reason });
    }

    isGood(id: string, nowMs: number): boolean {
        if (this.banned.has(id)) return false;
        return this.avoided.size === 0 || (this.avoided.get(id)?.untilMs ?? 0) <= nowMs;
    }

    whyNot(id: string, nowMs: number): { code: string; detail: string } | null {
        if (this.banned.has(id)) return { code: 'banned', detail: this.banned.get(id)! };
        const avoided = this.avoided.get(id);
        if (avoided !== undefined && avoided.untilMs > nowMs) return { code: 'avoided', detail: avoided.reason };
        return null;
    }

    /** It did not begin: others are picked rather, for a while. */
    notBegun(node: TrustedNode): void {
        node.trouble = Math.min((node.trouble ?? 0) + 1, maxTrouble);
        this.troubled.add(node);
    }

    fade(): void {
        for (const node of this.troubled) {
            node.trouble = (node.trouble ?? 0) * troubleKept;
            if (node.trouble > 0.1) continue;
            node.trouble = 0;
            this.troubled.delete(node);
        }
    }
}
