import type { Clock } from '../base';

export interface ShortCacheOptions {
    maxAgeMs: number;
    maxEntries?: number;
    clock: Clock;
}

/** Answers by key for a short time; concurrent callers share one load, failures are not kept. */
export class ShortCache {
    private readonly entries = new Map<string, { value: Promise<unknown>; loadedAtMs: number }>();

    constructor(private readonly options: ShortCacheOptions) {}

    get<T>(key: string, load: () => Promise<T>, maxAgeMs = this.options.maxAgeMs): Promise<T> {
        const known = this.entries.get(key);
        const nowMs = this.options.clock.monotonicMs();
        if (known && maxAgeMs > 0 && nowMs - known.loadedAtMs < maxAgeMs) return known.value as Promise<T>;
        const value = load();
        const entry = { value, loadedAtMs: nowMs };
        this.entries.delete(key);
        this.entries.set(key, entry);
        if (this.entries.size > (this.options.maxEntries ?? 10_000)) {
            this.entries.delete(this.entries.keys().next().value!);
        }
        value.catch(() => {
            if (this.entries.get(key) === entry) this.entries.delete(key);
        });
        return value;
    }
}
