import { createHash, randomBytes } from 'node:crypto';

/** New at each start: what is remembered of conversations can't be compared with anything outside this process. */
const salt = randomBytes(32);
/** A conversation is told by how it begins; more of a long beginning tells no more. */
const maxPrefixChars = 4_096;
/** A shorter prompt without messages is no conversation. */
const minPromptChars = 256;

interface Conversational {
    model: string;
    messages?: unknown;
    prompt?: unknown;
    input?: unknown;
    instructions?: unknown;
}

/**
 * What all requests of one conversation have in common: the model, what comes before the first user message, and that message.
 * Undefined where there is nothing to go by. A salted hash, so that no text is kept.
 */
export function conversationKey(body: Conversational): string | undefined {
    const prefix = prefixOf(body);
    if (prefix === undefined) return undefined;
    return createHash('sha256')
        .update(salt)
        .update(JSON.stringify([body.model]))
        .update(prefix)
        .digest('base64');
}

function prefixOf({ messages, prompt, input, instructions }: Conversational): string | undefined {
    if (Array.isArray(messages)) return openingOf(messages);
    if (Array.isArray(input) && input.some(isUserMessage)) return openingOf(input);
    if (typeof instructions === 'string' && typeof input === 'string') return clip(instructions + input);
    if (typeof prompt === 'string' && prompt.length >= minPromptChars) return prompt.slice(0, minPromptChars);
    return undefined;
}

function openingOf(messages: readonly unknown[]): string | undefined {
    const first = messages.findIndex(isUserMessage);
    if (first === -1) return undefined;
    return clip(JSON.stringify(messages.slice(0, first + 1)));
}

function isUserMessage(message: unknown): boolean {
    return typeof message === 'object' && message !== null && (message as { role?: unknown }).role === 'user';
}

/** Its end too: long instructions are often the same for all. */
function clip(text: string): string {
    return text.length <= maxPrefixChars ? text : text.slice(0, maxPrefixChars / 2) + text.slice(-maxPrefixChars / 2);
}
