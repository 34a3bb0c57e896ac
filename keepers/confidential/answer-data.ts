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
}

const namePattern = /^[a-z0-9-]{1,64}$/;
// The gateway sets these on its own answer: a line break would let a node write headers of its choice.
const valuePattern = /^[\x20-\x7e]{0,4096}$/;
const codePattern = /^[a-z0-9_]{1,64}$/;

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
    if (!isError(error)) throw misuse('an error needs a status, a code and a message');
    return Buffer.from(JSON.stringify({ status: error.status, code: error.code, message: error.message }), 'utf8');
}

export function decodeError(json: Buffer): AnswerError {
    const value = parseJson(json);
    if (isError(value)) return { status: value.status, code: value.code, message: value.message };
    throw new ConfidentialError('frame_invalid', 'the error of the answer is malformed');
}

function isHead(value: unknown): value is AnswerHead {
    if (!isObject(value) || !isStatus(value.status) || !isObject(value.headers)) return false;
    return Object.entries(value.headers).every(
        ([name, text]) => namePattern.test(name) && typeof text === 'string' && valuePattern.test(text),
    );
}

function isError(value: unknown): value is AnswerError {
    if (!isObject(value) || !isStatus(value.status)) return false;
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
