import OpenAI from 'openai';

/** One answered question, as the client saw it. */
export interface Answered {
    prompt: string;
    text: string;
    streamed: boolean;
    usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
    node: string;
    receiptId: string;
}

export const model = 'cocoon-toy';

interface Ask {
    client: OpenAI;
    prompt: string;
    /** node to use; the gateway picks one when absent */
    node?: string;
}

function bodyOf(prompt: string) {
    return { model, max_tokens: 48, seed: 7, messages: [{ role: 'user' as const, content: prompt }] };
}

function optionsOf({ node }: Ask) {
    return { headers: node === undefined ? {} : { 'X-Cocoon-Node': node } };
}

export async function askWhole(ask: Ask): Promise<Answered> {
    const { data, response } = await ask.client.chat.completions
        .create(bodyOf(ask.prompt), optionsOf(ask))
        .withResponse();
    return {
        prompt: ask.prompt,
        text: data.choices[0]?.message.content ?? '',
        streamed: false,
        usage: data.usage!,
        ...headersOf(response),
    };
}

export async function askStreaming(ask: Ask): Promise<Answered> {
    const request = { ...bodyOf(ask.prompt), stream: true as const, stream_options: { include_usage: true } };
    const { data, response } = await ask.client.chat.completions.create(request, optionsOf(ask)).withResponse();
    let text = '';
    let usage: Answered['usage'] | undefined;
    for await (const chunk of data) {
        text += chunk.choices[0]?.delta.content ?? '';
        usage = chunk.usage ?? usage;
    }
    return { prompt: ask.prompt, text, streamed: true, usage: usage!, ...headersOf(response) };
}

function headersOf(response: Response): { node: string; receiptId: string } {
    return {
        node: response.headers.get('x-cocoon-node') ?? '',
        receiptId: response.headers.get('x-cocoon-receipt') ?? '',
    };
}

/** A client as anyone would make one: two lines, no Cocoon code. */
export function openAiClient(gatewayUrl: string): OpenAI {
    return new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: 'any', maxRetries: 2, timeout: 120_000 });
}
