import { ConfidentialError } from './errors';
import { type WorkBound } from './pricing';
import { encodedInnerBytes, type InnerRequest } from './inner-request';
import { paddedRequestBytes } from './padding';

/** What the path and body of a request say about the work it asks for. */
export interface RequestedWork extends WorkBound {
    model: string;
    /** which capability of the offer it needs */
    capability: string;
}

const maxCompletions = 4096;

/** Fields that decide what is charged. */
const pricedNames = new Set([
    ...['model', 'prompt', 'input', 'n', 'best_of', 'max_tokens', 'max_completion_tokens', 'max_output_tokens'],
    ...['stream', 'stream_options'],
]);

/**
 * Reads the bounds of a request out of its JSON body: the one place where gateway and node learn what may be charged.
 * Throws `request_invalid` when a field that bounds the cost is not what it should be.
 * @param parsed what `inner.body` says, where the caller has parsed it
 */
export function requestedWork(inner: InnerRequest, parsed = parseBody(inner.body)): RequestedWork {
    const body = objectOf(parsed);
    refuseOtherSpellings(body);
    const capability = capabilityOf(inner.path);
    if (typeof body.model !== 'string' || body.model === '') throw invalid('"model" is missing');
    const prompts = promptCount(capability, body);
    const wanted = count(body, 'n') ?? 1;
    const tried = count(body, 'best_of') ?? wanted;
    if (wanted === 0 || tried === 0) throw invalid('no completion is asked for');
    const perPrompt = Math.max(wanted, tried);
    const completions = capability === 'embeddings' ? 0 : prompts * perPrompt;
    if (completions > maxCompletions) throw invalid(`more than ${maxCompletions} completions`);
    return {
        model: body.model,
        capability,
        paddedBytes: paddedRequestBytes(encodedInnerBytes(inner)),
        prompts,
        completions,
        maxTokens: maxTokens(body),
    };
}

/** An engine written in Go takes `MAX_TOKENS` for `max_tokens`, and would work by a figure that nobody priced. */
function refuseOtherSpellings(body: Record<string, unknown>): void {
    for (const name of Object.keys(body)) {
        // Go folds the long s and the sign for kelvin too.
        const folded = name.toUpperCase().toLowerCase();
        if (folded !== name && pricedNames.has(folded)) throw invalid(`"${folded}" is spelled another way`);
    }
}

/** "/v1/chat/completions" -> "chat.completions" */
export function capabilityOf(path: string): string {
    const match = /^\/v1\/([a-z0-9_-]+(?:\/[a-z0-9_-]+)*)\/?(?:\?.*)?$/.exec(path);
    if (!match) throw invalid('the path is not one of the API');
    return match[1]!.replaceAll('/', '.');
}

/** A list of texts or of token lists is that many prompts; a list of numbers is one prompt in tokens. */
function promptCount(capability: string, body: Record<string, unknown>): number {
    const field = capability === 'embeddings' ? body.input : capability === 'completions' ? body.prompt : undefined;
    if (!Array.isArray(field) || field.length === 0 || typeof field[0] === 'number') return 1;
    return field.length;
}

/** Engines read one or the other of these names: the larger is what may be charged. */
function maxTokens(body: Record<string, unknown>): number | undefined {
    const named = ['max_tokens', 'max_completion_tokens', 'max_output_tokens']
        .map((name) => count(body, name))
        .filter((value) => value !== undefined);
    return named.length === 0 ? undefined : Math.max(...named);
}

function count(body: Record<string, unknown>, name: string): number | undefined {
    const value = body[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 0xffffffff) return value;
    throw invalid(`"${name}" is not a count`);
}

function parseBody(body: Buffer): unknown {
    try {
        return JSON.parse(body.toString('utf8'));
    } catch {
        throw invalid('the body is not JSON');
    }
}

function objectOf(value: unknown): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the body is no object');
    return value as Record<string, unknown>;
}

function invalid(problem: string): ConfidentialError {
    return new ConfidentialError('request_invalid', `request: ${problem}`);
}
