/**
 * Readers of one thing share a call while it still waits for its turn. Once it has left they don't: its answer may be
 * older than their question.
 */
export class Coalescer {
    private readonly waiting = new Map<string, Promise<unknown>>();

    share<T>(key: string, call: (onSent: () => void) => Promise<T>): Promise<T> {
        const known = this.waiting.get(key);
        if (known !== undefined) return known as Promise<T>;
        const forget = () => {
            if (this.waiting.get(key) === shared) this.waiting.delete(key);
        };
        const shared: Promise<T> = Promise.resolve()
            .then(() => call(forget))
            .finally(forget);
        this.waiting.set(key, shared);
        return shared;
    }
}
