import { execFile } from 'node:child_process';
import { errorMessage } from '../base';
import { NodeError } from './errors';
import type { QuoteSource } from './quote-source';

/** Certificates that lead from the key that signed a SEV-SNP report to AMD's root. */
export interface SnpEndorser {
    certificatesOf(report: Buffer): Promise<{ vek: Buffer; chain: string }>;
}

const maxAnswerBytes = 64 * 1024;

/**
 * Runs a program without a shell; it gets the 64 bytes of report data in hex as its last argument and prints the SEV-SNP
 * report, as bytes or hex.
 */
export function commandReportSource([program, ...args]: readonly string[], timeoutMs: number): QuoteSource {
    return {
        quote: (reportData) =>
            new Promise((resolve, reject) => {
                const options = {
                    timeout: timeoutMs,
                    maxBuffer: maxAnswerBytes,
                    killSignal: 'SIGKILL' as const,
                    encoding: 'buffer' as const,
                };
                execFile(program!, [...args, reportData.toString('hex')], options, (error, stdout) => {
                    if (error === null) return resolve(bytesOf(stdout));
                    const message = `no SEV-SNP report: ${program} failed: ${errorMessage(error)}`;
                    reject(new NodeError('quote_unavailable', message, { action: 'retry', cause: error }));
                });
            }),
    };
}

function bytesOf(output: Buffer): Buffer {
    const text = output.toString('latin1').trim();
    return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : output;
}
