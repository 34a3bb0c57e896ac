import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { APIConnectionError, APIError, APIUserAbortError } from 'openai';
import type { Dice } from '../dice';
import { chaosModel } from '../engine';

/** An answer that its caller has, whole. */
export interface AcknowledgedAnswer {
    /** Request id in hex, by which the receipt is found. */
    id: string;
    gateway: string;
    streamed: boolean;
    atMs: number;
}

export interface LoadTally {
    asked: number;
    /** By what became of the others: an error's code, or how the caller left. */
    others: Record<string, number>;
}

export interface Load {
    acknowledged: readonly AcknowledgedAnswer[];
    /** Of requests whose stream began and broke, or whose caller left: their receipts are the keepers' to find. */
    abandoned: readonly string[];
    tally: LoadTally;
    stop(): Promise<void>;
}

const timeoutMs = 30_000;
const restMs = [20, 400] as const;

export interface LoadOptions {
    /** Their present addresses by name. */
    gateways: Record<string, () => string>;
    /** At each. */
    callers: number;
    dice: Dice;
    /** Before a caller asks again that was refused, least and most. */
    restAfterFailureMs: readonly [number, number];
}

/** So many callers at each gateway, who ask one after the other with the official client until they are stopped. */
export function startLoad(options: LoadOptions): Load {
    const book = new LoadBook();
    const stopping = new AbortController();
    const callers = Object.entries(options.gateways).flatMap(([gateway, url]) =>
        Array.from({ length: options.callers }, (_, number) => {
            const dice = options.dice.apart(`${gateway} caller ${number}`);
            return new Caller({ ...options, gateway, url, dice, book }).run(stopping.signal);
        }),
    );
    return {
        acknowledged: book.acknowledged,
        abandoned: book.abandoned,
        tally: book.tally,
        stop: async () => {
            stopping.abort();
            await Promise.all(callers);
        },
    };
}

class LoadBook {
    readonly acknowledged: AcknowledgedAnswer[] = [];
    readonly abandoned: string[] = [];
    readonly tally: LoadTally = { asked: 0, others: {} };

    other(what: string): void {
        this.tally.others[what] = (this.tally.others[what] ?? 0) + 1;
    }
}

/** One question: how long an answer, how fast, and when its caller loses patience. */
interface Question {
    maxTokens: number;
    paceMs: number;
    streamed: boolean;
    /** Pieces after which the caller leaves; of a whole answer, milliseconds. Infinity: never. */
    patience: number;
}

interface CallerOptions extends Pick<LoadOptions, 'dice' | 'restAfterFailureMs'> {
    gateway: string;
    url: () => string;
    book: LoadBook;
}

class Caller {
    constructor(private readonly options: CallerOptions) {}

    async run(stopping: AbortSignal): Promise<void> {
        const { dice, book, restAfterFailureMs } = this.options;
        while (!stopping.aborted) {
            const question = drawQuestion(dice);
            book.tally.asked += 1;
            const failed = await this.ask(question).then(
                () => false,
                (error: unknown) => {
                    book.other(nameOf(error));
                    return !(error instanceof APIUserAbortError);
                },
            );
            const [leastMs, mostMs] = failed ? restAfterFailureMs : restMs;
            await sleep(dice.between(leastMs, mostMs));
        }
    }

    private async ask(question: Question): Promise<void> {
        const client = new OpenAI({
            baseURL: `${this.options.url()}/v1`,
            apiKey: 'any',
            maxRetries: 1,
            timeout: timeoutMs,
        });
        const body = {
            model: chaosModel,
            max_tokens: question.maxTokens,
            seed: question.paceMs,
            // Each a conversation of its own: one that all share would stick to one node, and go to another by chance.
            messages: [{ role: 'user' as const, content: `Count. ${randomUUID()}` }],
        };
        if (question.streamed) await this.stream(client, body, question);
        else await this.whole(client, body, question);
    }

    private async whole(client: OpenAI, body: AskedBody, { patience }: Question): Promise<void> {
        const signal = patience === Infinity ? undefined : AbortSignal.timeout(patience);
        const { response } = await client.chat.completions.create(body, { signal }).withResponse();
        this.acknowledge(response, false);
    }

    private async stream(client: OpenAI, body: AskedBody, { patience }: Question): Promise<void> {
        const { data, response } = await client.chat.completions.create({ ...body, stream: true }).withResponse();
        const id = response.headers.get('x-cocoon-receipt')!;
        let pieces = 0;
        try {
            for await (const chunk of data) {
                void chunk;
                if (++pieces >= patience) break;
            }
        } catch (error) {
            this.options.book.abandoned.push(id);
            throw error;
        }
        if (pieces < patience) return this.acknowledge(response, true);
        this.options.book.abandoned.push(id);
        this.options.book.other('left');
    }

    private acknowledge(response: Response, streamed: boolean): void {
        const id = response.headers.get('x-cocoon-receipt');
        if (id === null) throw new Error('an answer without a receipt');
        const { book, gateway } = this.options;
        book.acknowledged.push({ id, gateway, streamed, atMs: Date.now() });
    }
}

interface AskedBody {
    model: string;
    max_tokens: number;
    seed: number;
    messages: { role: 'user'; content: string }[];
}

function drawQuestion(dice: Dice): Question {
    const streamed = dice.chance(0.6);
    const leaves = dice.chance(0.1);
    const maxTokens = dice.chance(0.1) ? dice.between(100, 400) : dice.between(4, 40);
    const paceMs = dice.between(0, 12);
    const patience = streamed ? dice.between(1, maxTokens) : dice.between(1, 300);
    return { maxTokens, paceMs, streamed, patience: leaves ? patience : Infinity };
}

function nameOf(error: unknown): string {
    if (error instanceof APIUserAbortError) return 'left';
    if (error instanceof APIConnectionError) return 'connection';
    if (error instanceof APIError) return `${error.status ?? 'stream'} ${error.code ?? error.type ?? ''}`.trim();
    return error instanceof Error ? error.name : 'unknown';
}
