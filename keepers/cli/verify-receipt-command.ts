import { readFileSync, statSync } from 'node:fs';
import { CocoonError, errorMessage } from '../base';
import { judgeReceipt, type ReceiptVerdict, shownReceiptSchema } from './judge-receipt';
import type { CommandResult } from './verify-quote-command';

const maxFileBytes = 256 * 1024 * 1024;

/** `cocoon verify receipt`: one JSON object, or one a line as `cocoon receipts --format jsonl` writes them. */
export function runVerifyReceipt(file: string, options: { json?: boolean }): CommandResult {
    const verdicts = readReceipts(file).map((value) => judgeShown(value));
    return {
        output: verdicts.map((verdict) => (options.json ? JSON.stringify(verdict) : textOf(verdict))).join('\n'),
        exitCode: exitCodeOf(verdicts),
    };
}

/** @throws CocoonError when the value is no receipt */
export function judgeShown(value: unknown): ReceiptVerdict {
    const parsed = shownReceiptSchema.safeParse(value);
    if (parsed.success) return judgeReceipt(parsed.data);
    const { path, message } = parsed.error.issues[0]!;
    throw unusable(`this is no whole receipt: ${path.join('.') || 'the value'}: ${message}`);
}

/** 1 as soon as one is wrong; 2 where none is, and one could not be judged whole. */
export function exitCodeOf(verdicts: readonly ReceiptVerdict[]): 0 | 1 | 2 {
    if (verdicts.some(({ verdict }) => verdict === 'rejected')) return 1;
    return verdicts.some(({ verdict }) => verdict === 'incomplete') ? 2 : 0;
}

function textOf({ verdict, requestId, checks }: ReceiptVerdict): string {
    const failed = Object.entries(checks).filter(([, outcome]) => outcome !== 'ok');
    const why = failed.map(([name, outcome]) => `${name} ${outcome}`).join(', ');
    return `${requestId}  ${verdict}${why === '' ? '' : `: ${why}`}`;
}

function readReceipts(file: string): unknown[] {
    let text: string;
    try {
        if (statSync(file).size > maxFileBytes) throw new Error(`more than ${maxFileBytes} bytes`);
        text = readFileSync(file, 'utf8').trim();
    } catch (error) {
        throw unusable(`${file}: ${errorMessage(error)}`);
    }
    const whole = parse(text);
    const values = whole !== undefined ? [whole] : text.split('\n').map((line) => parse(line));
    if (text === '' || values.includes(undefined)) throw unusable(`${file}: neither JSON nor JSON lines`);
    return values;
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}

function unusable(message: string): CocoonError {
    return new CocoonError('receipt_unusable', message, { action: 'fix' });
}
