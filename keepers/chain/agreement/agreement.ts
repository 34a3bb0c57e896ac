import { ChainError } from '../errors';
import { ChainView } from '../chain-view';
import type { CallLimits, Endpoint } from '../endpoints/endpoint';
import { isEndpointFault } from '../endpoints/endpoint-health';
import type { EndpointPool } from '../endpoints/endpoint-pool';
import { canonical } from './canonical';

export type ReadChain<T> = (view: ChainView) => Promise<T>;

export interface AgreeOptions<T> {
    /**
     * What to believe when endpoints contradict each other about one block: the combination that trusts least. Without it
     * nothing is believed.
     */
    fold?: (values: readonly T[]) => T;
    /** What a plain read said just now: where there is one operator only, it isn't asked again. */
    told?: T;
    signal?: AbortSignal;
}

/** What a read came to at one endpoint: a value, or an error that is itself an answer (no such account, exit code). */
interface Outcome<T> {
    endpoint: Endpoint;
    /** Masterchain block that it is about, null where unknown. */
    seqno: number | null;
    text: string;
    value?: T;
    error?: unknown;
}

/** How often the whole question is put again before a contradiction is taken for one. */
const rounds = 2;
/** For how long an endpoint that is some blocks behind is waited for. */
const looks = 6;
const lookAgainMs = 400;
/** An agreement about a block this much older than the last one is refused: the past is not to come back. */
const blocksBack = 20;

/**
 * One read at two endpoints of different operators. They may be some blocks apart: if their answers differ, both are asked
 * about the older block of the two, where honest ones can't differ.
 */
export class Agreement {
    /** Of the newest block that two agreed about. */
    private believedSeqno = 0;

    constructor(private readonly pool: EndpointPool) {}

    /** False with endpoints of one operator only: then that operator is believed. */
    get isChecked(): boolean {
        return this.pool.operators >= 2;
    }

    /**
     * @throws ChainError `agreement_unavailable` when fewer than two answer, `rpc_disagreement` when they contradict each
     * other; what `read` throws when they agree on that
     */
    async agree<T>(read: ReadChain<T>, options: AgreeOptions<T> = {}): Promise<T> {
        const { signal, told } = options;
        if (!this.isChecked && told !== undefined) return told;
        if (!this.isChecked)
            return this.pool.first((endpoint, limits) => read(new ChainView(endpoint, limits)), { signal });
        let contradiction: Outcome<T>[] = [];
        for (let round = 0; round < rounds; round++) {
            const outcomes = await this.askTwo(read, this.pool.limits({ signal }));
            const settled = await this.settle(read, outcomes, this.pool.limits({ signal }));
            if ('agreed' in settled) return this.believe(settled.agreed);
            contradiction = settled.contradiction;
        }
        for (const { endpoint } of contradiction) endpoint.health.distrust();
        return foldOf(contradiction, options);
    }

    private believe<T>(agreed: Outcome<T>): T {
        const { seqno } = agreed;
        if (seqno !== null && seqno < this.believedSeqno - blocksBack) {
            throw new ChainError(
                'agreement_unavailable',
                'The endpoints agree about an older chain than they showed before',
            );
        }
        this.believedSeqno = Math.max(this.believedSeqno, seqno ?? 0);
        return resultOf(agreed);
    }

    /** Two answers about the newest block of each, from whichever two operators can give them. */
    private async askTwo<T>(read: ReadChain<T>, limits: CallLimits): Promise<[Outcome<T>, Outcome<T>]> {
        const waiting = this.pool.independent({ fresh: true });
        const failures: unknown[] = [];
        const askNext = async (): Promise<Outcome<T>> => {
            for (let endpoint = waiting.shift(); endpoint !== undefined; endpoint = waiting.shift()) {
                try {
                    return await ask(endpoint, read, limits);
                } catch (error) {
                    failures.push(error);
                }
            }
            throw unavailable(failures);
        };
        const answers = await Promise.allSettled([askNext(), askNext()]);
        const [first, second] = answers;
        if (first?.status === 'fulfilled' && second?.status === 'fulfilled') return [first.value, second.value];
        throw unavailable(failures);
    }

    /** The newer block of the two once both have it, so that what was just sent is seen; else the older one. */
    private async commonBlock<T>(outcomes: readonly Outcome<T>[], limits: CallLimits): Promise<number | undefined> {
        const [one, other] = outcomes;
        if (one!.seqno === null || other!.seqno === null) return undefined;
        const newer = Math.max(one!.seqno, other!.seqno);
        const behind = outcomes.find(({ seqno }) => seqno !== newer);
        if (behind === undefined || (await this.reaches(behind.endpoint, newer, limits))) return newer;
        return behind.seqno!;
    }

    private async reaches(endpoint: Endpoint, seqno: number, limits: CallLimits): Promise<boolean> {
        for (let look = 0; look < looks; look++) {
            const head = await endpoint
                .call('head', (api) => api.head(), limits)
                .catch(() => ({ seqno: 0, timeSec: null }));
            if (head.seqno >= seqno) return true;
            await this.pool.clock.sleep(lookAgainMs, limits.signal);
        }
        return false;
    }

    private async settle<T>(
        read: ReadChain<T>,
        outcomes: [Outcome<T>, Outcome<T>],
        limits: CallLimits,
    ): Promise<{ agreed: Outcome<T> } | { contradiction: Outcome<T>[] }> {
        if (same(outcomes)) return { agreed: agreedOf(outcomes) };
        const at = await this.commonBlock(outcomes, limits);
        const pinned = await Promise.all(outcomes.map((one) => askAt(one, { read, at, limits })));
        if (same(pinned)) return { agreed: agreedOf(pinned) };
        const others = this.pool.independent({ except: new Set(pinned.map(({ endpoint }) => endpoint.operator)) });
        for (const endpoint of others) {
            const third = await ask(endpoint, read, limits, at).catch(() => null);
            const confirmed = pinned.find(({ text }) => text === third?.text);
            if (third === null || confirmed === undefined) continue;
            for (const one of pinned) if (one !== confirmed) one.endpoint.health.distrust();
            return { agreed: agreedOf([confirmed, third]) };
        }
        return { contradiction: pinned };
    }
}

async function ask<T>(endpoint: Endpoint, read: ReadChain<T>, limits: CallLimits, at?: number): Promise<Outcome<T>> {
    const view = new ChainView(endpoint, limits, at);
    try {
        const value = await read(view);
        return { endpoint, seqno: view.seqno, text: canonical(value), value };
    } catch (error) {
        if (!isAnswer(error)) throw error;
        return { endpoint, seqno: view.seqno, text: `error ${errorText(error)}`, error };
    }
}

/** Not again where the answer was about that block already. */
function askAt<T>(
    one: Outcome<T>,
    again: { read: ReadChain<T>; at: number | undefined; limits: CallLimits },
): Promise<Outcome<T>> {
    if (again.at !== undefined && one.seqno === again.at) return Promise.resolve(one);
    return ask(one.endpoint, again.read, again.limits, again.at);
}

/** An exit code is what the chain says; a failure of the endpoint is nothing that anyone says. */
function isAnswer(error: unknown): boolean {
    if (isEndpointFault(error)) return false;
    return !(error instanceof ChainError) || error.code === 'get_method_failed' || error.code === 'account_inactive';
}

function errorText(error: unknown): string {
    if (error instanceof ChainError) return `${error.code} ${error.exitCode}`;
    return error instanceof Error ? error.message : String(error);
}

function same<T>([first, second]: readonly Outcome<T>[]): boolean {
    return first!.text === second!.text;
}

function agreedOf<T>(outcomes: readonly Outcome<T>[]): Outcome<T> {
    for (const { endpoint } of outcomes) endpoint.health.agreed();
    // About the older of their blocks at least: the same answer came from both.
    return outcomes.reduce((oldest, one) => ((one.seqno ?? 0) < (oldest.seqno ?? 0) ? one : oldest));
}

function resultOf<T>({ value, error, text }: Outcome<T>): T {
    if (text.startsWith('error ')) throw error;
    return value as T;
}

function foldOf<T>(contradiction: readonly Outcome<T>[], { fold }: AgreeOptions<T>): T {
    const origins = contradiction.map(({ endpoint }) => endpoint.origin).join(' and ');
    const failed = contradiction.find(({ text }) => text.startsWith('error '));
    if (fold !== undefined && failed === undefined) return fold(contradiction.map(({ value }) => value as T));
    throw new ChainError('rpc_disagreement', `${origins} contradict each other: what they say is not believed`, {
        context: { endpoints: origins },
    });
}

function unavailable(failures: readonly unknown[]): ChainError {
    const why = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))).join('; ');
    const message = `Fewer than two independent endpoints answered${why === '' ? '' : `: ${why}`}`;
    return new ChainError('agreement_unavailable', message, { cause: failures[0] });
}
