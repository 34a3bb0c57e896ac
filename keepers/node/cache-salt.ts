import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { ParsedEnvelope } from '../confidential';

/** Names by which a client tells its own users and conversations apart. */
const names = ['prompt_cache_key', 'user', 'safety_identifier', 'cache_salt'];

/**
 * Under which salt an engine may cache a request's prefix. An engine that finds a prefix in its cache answers sooner, so
 * whoever shares a cache with others can guess at what they asked. Escrow and session key are the client, hence no two
 * clients share a salt, whatever they write; the secret is of this process, hence nobody can work a salt out.
 */
export class CacheSalts {
    private readonly secret = randomBytes(32);

    saltOf({ context, sessionKey }: Pick<ParsedEnvelope, 'context' | 'sessionKey'>, body: Buffer): string {
        const conversation = conversationOf(body);
        if (conversation === undefined) return randomBytes(32).toString('base64url');
        const hmac = createHmac('sha256', this.secret).update('CSlt').update(context.escrow).update(sessionKey);
        return hmac.update(conversation).digest('base64url');
    }
}

/**
 * What stays the same throughout a conversation: the client's own name for it, or else how it began, up to the first
 * message of its user. Without either nothing is shared, not even with the same client.
 */
function conversationOf(body: Buffer): Buffer | undefined {
    try {
        const fields = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
        const named = names.map((name) => fields[name] ?? null);
        const opening = typeof fields.prompt_cache_key === 'string' ? null : openingOf(fields.messages);
        if (opening === undefined) return undefined;
        return createHash('sha256')
            .update(JSON.stringify([fields.model, named, opening]))
            .digest();
    } catch {
        // Nested deeper than can be spelled again: no reason to fail, and none to share.
        return undefined;
    }
}

function openingOf(messages: unknown): unknown[] | undefined {
    if (!Array.isArray(messages)) return undefined;
    const first = messages.findIndex((message: { role?: unknown } | null) => message?.role === 'user');
    return first < 0 ? undefined : messages.slice(0, first + 1);
}
