import { EngineError } from './errors';
import { isObject } from './request-body';

/** Where requests hold what is not text: chats in their messages, some servers' embeddings in `input`. */
const holders = ['messages', 'input', 'prompt'] as const;
/** What servers take a place or the content itself from. */
const placeOrContent = new Set(['image', 'video', 'audio', 'file', 'data', 'file_data']);

/**
 * A server that fetches an image would tell its host, from inside the TEE, that a prompt runs and which; one that reads a
 * path would show its client the node's own files. Content comes with the request, or not at all.
 */
export function refuseRemoteMedia(fields: Record<string, unknown>): void {
    for (const holder of holders) {
        const items = fields[holder];
        if (!Array.isArray(items)) continue;
        const at = items.findIndex((item) => isObject(item) && holdsPlace('content' in item ? item.content : item));
        if (at < 0) continue;
        const message = 'images, audio and files are not fetched: send the content itself, as a data: URL';
        throw new EngineError('invalid_request', message, { param: `${holder}.${at}` });
    }
}

/** Without recursion: how deep a body nests is the client's choice. */
function holdsPlace(content: unknown): boolean {
    const left: [name: string, value: unknown][] = [['', content]];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [name, value] = next;
        if (typeof value === 'string' && isPlace(name, value)) return true;
        if (Array.isArray(value)) for (const each of value) left.push([name, each]);
        // A server written in Go reads a name however it is spelled.
        else if (isObject(value)) for (const [key, each] of Object.entries(value)) left.push([key.toLowerCase(), each]);
    }
    return false;
}

function isPlace(name: string, value: string): boolean {
    if (name === 'url' || name.endsWith('_url')) return !/^data:/i.test(value);
    return placeOrContent.has(name) && /^\s*[a-z][a-z0-9+.-]*:\/\//i.test(value);
}
