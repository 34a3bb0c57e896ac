import { ConfidentialError, misuse } from './errors';

/** Status line and headers of the engine's answer. */
export interface AnswerHead {
    status: number;
    /** lower-case names */
    headers: Record<string, string>;
}

/** What went wrong after the answer had begun, in the terms of the API. */
export interface AnswerError {
    status: number;
    code: string;
    message: string;
    /** The request's field at fault, as OpenAI names it: `messages.0.content`. */
    param?: string;
}

const namePattern = /^[a-z0-9-]{1,64}$/;
// The gateway sets these on its own answer: a line break would let a node write headers of its choice.
const valuePattern = /^[\x20-\x7e]{0,4096}$/;
const codePattern = /^[a-z0-9_]{1,64}$/;
const paramPattern = /^[\w.[\]-]{1,128}$/;

export function encodeHead(head: AnswerHead): Buffer {
    if (!isHead(head)) throw misuse('the head needs a status and printable headers');
    return Buffer.from(JSON.stringify({ status: head.status, headers: head.headers }), 'utf8');
}

export function decodeHead(json: Buffer): AnswerHead {
    const value = parseJson(json);
    if (isHead(value)) return { status: value.status, headers: { ...value.headers } };
    throw new ConfidentialError('frame_invalid', 'the head of the answer is malformed');
}

export function encodeError(error: AnswerError): Buffer {
    if (!isError(error)) throw misuse('an error needs a status, a code, a message and, if any, the name of a field');
    return Buffer.from(JSON.stringify(fieldsOf(error)), 'utf8');
}

export function decodeError(json: Buffer): AnswerError {
    const value = parseJson(json);
    if (isError(value)) return fieldsOf(value);
    throw new ConfidentialError('frame_invalid', 'the error of the answer is malformed');
}

function isHead(value: unknown): value is AnswerHead {
    if (!isObject(value) || !isStatus(value.status) || !isObject(value.headers)) return false;
    return Object.entries(value.headers).every(
        ([name, text]) => namePattern.test(name) && typeof text === 'string' && valuePattern.test(text),
    );
}

/** Without `param` the same bytes as before it was known, so either end may be the older one. */
function fieldsOf({ status, code, message, param }: AnswerError): AnswerError {
    return { status, code, message, ...(param !== undefined && { param }) };
}

/** Whether an error may name this as the field at fault. */
export function isErrorParam(value: unknown): value is string {
    return typeof value === 'string' && paramPattern.test(value);
}

function isError(value: unknown): value is AnswerError {
    if (!isObject(value) || !isStatus(value.status)) return false;
    if (value.param !== undefined && !isErrorParam(value.param)) return false;
    return typeof value.code === 'string' && codePattern.test(value.code) && typeof value.message === 'string';
}

function isStatus(value: unknown): value is number {
    return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599;
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(json: Buffer): unknown {
    try {
        return JSON.parse(json.toString('utf8'));
    } catch {
        return undefined;
    }
}
