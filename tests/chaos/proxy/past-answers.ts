import type { RpcCall, RpcReply } from './rpc-lies';

const keptPerCall = 24;
const keptCalls = 2_000;

/** What the chain said to the same question before: an endpoint that lags says it again. */
export class PastAnswers {
    private readonly answers = new Map<string, { reply: RpcReply; atMs: number }[]>();

    keep(call: RpcCall, reply: RpcReply): void {
        if (reply.status !== 200) return;
        const key = keyOf(call);
        const known = this.answers.get(key) ?? [];
        if (known.at(-1)?.reply.body === reply.body) return;
        known.push({ reply, atMs: Date.now() });
        if (known.length > keptPerCall) known.shift();
        this.answers.delete(key);
        this.answers.set(key, known);
        if (this.answers.size > keptCalls) this.answers.delete(this.answers.keys().next().value!);
    }

    /** As it was `lagMs` ago, or the oldest that is known; undefined when the question is new. */
    before(call: RpcCall, lagMs: number): RpcReply | undefined {
        const known = this.answers.get(keyOf(call));
        const wantedMs = Date.now() - lagMs;
        return (known?.findLast(({ atMs }) => atMs <= wantedMs) ?? known?.[0])?.reply;
    }
}

function keyOf({ method, params }: RpcCall): string {
    return `${method} ${JSON.stringify(params)}`;
}
