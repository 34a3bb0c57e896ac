import { Agent, request } from 'undici';
import { z } from 'zod';
import { errorMessage } from '../base';
import { NodeError, type NodeErrorCode } from './errors';

export interface DstackAgentOptions {
    /** Unix socket of the guest agent, mounted into the container. */
    socketPath: string;
    /** A quote passes the host's quoting service, which takes seconds when it is busy. */
    timeoutMs?: number;
}

const defaultTimeoutMs = 30_000;
/** A quote is 5 to 8 kB, in hex beside an event log of some hundred entries. */
const maxAnswerBytes = 4 * 1024 * 1024;
const maxQuoteDigits = 2 * 64 * 1024;

const hex = z.string().regex(/^(?:[0-9a-fA-F]{2})+$/);
const quoteSchema = z.object({ quote: hex.max(maxQuoteDigits) });
const keySchema = z.object({ key: z.string().regex(/^[0-9a-fA-F]{64}$/) });
const errorSchema = z.object({ error: z.string() });

/**
 * The guest agent of a dstack CVM: JSON over HTTP on a unix socket. Asked on its frozen v0 paths, which every dstack from
 * 0.5 on serves. https://github.com/Dstack-TEE/dstack/blob/master/sdk/curl/api.md
 */
export class DstackAgent {
    constructor(private readonly options: DstackAgentOptions) {}

    /** @param reportData 64 bytes that the quote binds, as they are */
    async getQuote(reportData: Buffer): Promise<Buffer> {
        const body = { report_data: reportData.toString('hex') };
        const { quote } = await this.call('/GetQuote', body, quoteSchema, 'quote_unavailable');
        return Buffer.from(quote, 'hex');
    }

    /** A secp256k1 private key, 32 bytes, derived from the application's key: the same path gives the same key. */
    async getKey(path: string): Promise<Buffer> {
        const body = { path, purpose: 'signing', algorithm: 'secp256k1' };
        const { key } = await this.call('/GetKey', body, keySchema, 'key_unavailable');
        return Buffer.from(key, 'hex');
    }

    private async call<T>(route: string, body: object, schema: z.ZodType<T>, code: NodeErrorCode): Promise<T> {
        const { socketPath, timeoutMs = defaultTimeoutMs } = this.options;
        // A connection a call: attestation happens once in hours, and a kept one would keep the process alive.
        const deadline = AbortSignal.timeout(timeoutMs);
        const dispatcher = new Agent({ connect: { socketPath }, maxResponseSize: maxAnswerBytes });
        try {
            const { statusCode, body: answer } = await request(`http://dstack${route}`, {
                dispatcher,
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify(body),
                signal: deadline,
            });
            return readAnswer(statusCode, await answer.text(), schema);
        } catch (error) {
            const reason = deadline.aborted ? 'it took too long' : errorMessage(error);
            const message = `the dstack guest agent at ${socketPath} gave no answer to ${route}: ${reason}`;
            throw new NodeError(code, message, { action: 'retry', cause: error });
        } finally {
            await dispatcher.destroy();
        }
    }
}

/** What the agent says of itself may be shown; what it answered may hold a key and is not. */
class AgentRefusal extends Error {}

function readAnswer<T>(statusCode: number, text: string, schema: z.ZodType<T>): T {
    const json = parseJson(text);
    // Its handlers report a failure in the body, with some versions under status 200.
    const refusal = errorSchema.safeParse(json);
    if (refusal.success) throw new AgentRefusal(refusal.data.error.slice(0, 200));
    if (statusCode !== 200) throw new AgentRefusal(`status ${statusCode}`);
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new AgentRefusal('the answer has another form than its documentation says');
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
