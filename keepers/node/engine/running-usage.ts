import type { EngineUsage } from './engine';
import { isObject } from './request-body';
import { parseUsage } from './usage';

/**
 * The count of a stream so far. vLLM and SGLang give with each chunk what its own choice took, and only with the last
 * chunk, which has no choice, what all of them took together.
 */
export class RunningUsage {
    private readonly byChoice = new Map<unknown, EngineUsage>();
    private total: EngineUsage | undefined;

    get value(): EngineUsage | undefined {
        return this.total;
    }

    add(chunk: Record<string, unknown>): void {
        const usage = parseUsage(chunk.usage);
        if (usage === undefined) return;
        const choice: unknown = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
        if (!isObject(choice)) {
            this.total = usage;
            return;
        }
        this.byChoice.set(choice.index, usage);
        const all = [...this.byChoice.values()];
        const sum = (count: (each: EngineUsage) => number) => all.reduce((before, each) => before + count(each), 0);
        this.total = {
            ...usage,
            completionTokens: sum((each) => each.completionTokens),
            reasoningTokens: sum((each) => each.reasoningTokens),
        };
    }
}
