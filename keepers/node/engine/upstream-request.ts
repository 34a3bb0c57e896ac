import { EngineError } from './errors';
import { EngineRequest } from './engine';
import { withoutMembers } from './json-members';
import { refuseRemoteMedia } from './remote-media';
import { isObject, parseFields } from './request-body';

/** The routes whose answers say what they used; anything else could not be metered. */
const METERED_PATHS = new Set(['/v1/chat/completions', '/v1/completions', '/v1/embeddings']);

export interface UpstreamRequest {
    /** Empty where the client named none. */
    model: string;
    body: Buffer;
    streaming: boolean;
    /** The client asked for the final usage chunk itself, so it stays in the stream. */
    clientWantsUsage: boolean;
}

export interface UpstreamOptions {
    continuousUsage: boolean;
    /** Fields of ours; one that the client sent under the same name goes. */
    fields: Record<string, string | boolean>;
    /** Fields that a client must not send. */
    refused: readonly string[];
}

/** Checks what metering depends on and adds what is ours; every other field stays as the client spelled it. */
export function prepareUpstreamRequest(request: EngineRequest, options: UpstreamOptions): UpstreamRequest {
    if (request.method !== 'POST' || !METERED_PATHS.has(request.path)) {
        throw new EngineError('invalid_request', `this engine does not serve ${request.method} ${request.path}`);
    }
    const fields = parseFields(request.body);
    refuseControls(fields, options.refused);
    refuseRemoteMedia(fields);
    const streaming = readFlag(fields.stream, 'stream');
    const streamOptions = readStreamOptions(fields.stream_options);
    const clientWantsUsage = readFlag(streamOptions?.include_usage, 'stream_options.include_usage');
    const { continuousUsage } = options;
    const asked = { include_usage: true, ...(continuousUsage && { continuous_usage_stats: true }) };
    const added = { ...options.fields, ...(streaming && { stream_options: { ...streamOptions, ...asked } }) };
    const model = typeof fields.model === 'string' ? fields.model : '';
    return { model, body: withFields(request.body, fields, added), streaming, clientWantsUsage };
}

function refuseControls(fields: Record<string, unknown>, refused: readonly string[]): void {
    const param = refused.find(
        (name) => fields[name] !== undefined && fields[name] !== null && !isOneChoice(name, fields),
    );
    if (param === undefined) return;
    throw new EngineError('unsupported_parameter', `this model does not take '${param}' from clients`, { param });
}

function isOneChoice(name: string, fields: Record<string, unknown>): boolean {
    return (name === 'n' || name === 'best_of') && fields[name] === 1;
}

/** Some servers read "true" or 1 as true; were they to stream what we take for a whole answer, usage would be lost. */
function readFlag(value: unknown, param: string): boolean {
    if (value === undefined || value === null) return false;
    if (typeof value !== 'boolean') throw new EngineError('invalid_request', `${param} must be a boolean`, { param });
    return value;
}

function readStreamOptions(value: unknown): Record<string, unknown> | undefined {
    if (value === undefined || value === null) return undefined;
    if (isObject(value)) return value;
    throw new EngineError('invalid_request', 'stream_options must be an object', { param: 'stream_options' });
}

/**
 * Into the text, not through JSON.parse: integers beyond 2^53 and the client's own spelling survive. Where a name is
 * there twice, Python reads the last and others the first, so no second one is left.
 */
function withFields(body: Buffer, fields: Record<string, unknown>, added: Record<string, unknown>): Buffer {
    const names = Object.keys(added);
    if (names.length === 0) return body;
    const text = body.toString('utf8');
    const rest = names.some((name) => Object.hasOwn(fields, name)) ? withoutMembers(text, names) : text;
    const ours = JSON.stringify(added).slice(1, -1);
    const after = rest.indexOf('{') + 1;
    const comma = isClosed(rest, after) ? '' : ',';
    return Buffer.from(`${rest.slice(0, after)}${ours}${comma}${rest.slice(after)}`);
}

function isClosed(text: string, after: number): boolean {
    closing.lastIndex = after;
    return closing.test(text);
}

const closing = /\s*\}/y;
