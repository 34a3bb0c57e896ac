import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { misuse } from './errors';

/** The HTTP request that the node's engine gets: what only gateway and node know. */
export interface InnerRequest {
    method: string;
    path: string;
    /** lower-case names; nothing but `content-type` and `accept` leaves the client */
    headers: Record<string, string>;
    body: Buffer;
}

const empty = Buffer.alloc(0);
const keptNames = ['accept', 'content-type'];
const methodPattern = /^[A-Z]{1,16}$/;
const pathPattern = /^\/[\x21-\x7e]*$/;
const valuePattern = /^[\x20-\x7e]*$/;

/** The headers that may be sealed, out of all that a client sent. */
export function keptHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
    const kept: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
        const lower = name.toLowerCase();
        if (typeof value === 'string' && keptNames.includes(lower)) kept[lower] = value;
    }
    return kept;
}

export function encodeInnerRequest(inner: InnerRequest): Buffer {
    const headers = Object.entries(inner.headers);
    const problem = problemOf(inner.method, inner.path, headers);
    if (problem) throw misuse(`request: ${problem}`);
    const writer = new ByteWriter()
        .tag('CInn')
        .str8('method', inner.method)
        .str16('path', inner.path)
        .u8('number of headers', headers.length);
    for (const [name, value] of headers) writer.str8('header name', name).str16('header value', value);
    return writer.b32('body', inner.body).finish();
}

/** Length of the encoding, without making it: bodies are large. */
export function encodedInnerBytes(inner: InnerRequest): number {
    return encodeInnerRequest({ ...inner, body: empty }).length + inner.body.length;
}

/** The body is a view into `bytes`. */
export function decodeInnerRequest(bytes: Buffer): InnerRequest {
    const reader = new ByteReader(bytes, 'request_invalid', 'request');
    reader.tag('CInn');
    const method = reader.str8();
    const path = reader.utf8(reader.b16());
    const headers = Array.from({ length: reader.u8() }, (): [string, string] => [
        reader.str8(),
        reader.utf8(reader.b16()),
    ]);
    const body = reader.b32();
    reader.end();
    const problem = problemOf(method, path, headers);
    if (problem) reader.fail(problem);
    return { method, path, headers: Object.fromEntries(headers), body };
}

function problemOf(method: string, path: string, headers: [string, string][]): string | undefined {
    if (!methodPattern.test(method)) return 'the method is no HTTP method';
    if (!pathPattern.test(path)) return 'the path must begin with a slash and be printable ASCII';
    const names = headers.map(([name]) => name);
    if (!names.every((name) => keptNames.includes(name))) return 'only content-type and accept may be sent';
    if (new Set(names).size !== names.length) return 'a header is sent twice';
    if (!headers.every(([, value]) => valuePattern.test(value))) return 'a header value is not printable ASCII';
    return undefined;
}
