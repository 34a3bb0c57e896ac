import type { IncomingMessage } from 'node:http';
import { DispatchError } from '../dispatch';

export interface BodyIntakeOptions {
    /** One body. */
    maxBodyBytes: number;
    /** All that are not whole yet, over all connections. */
    maxReceivingBytes: number;
}

/** Reads bodies whole. Anybody can send one, slowly, and from many connections: what has come of all of them is bounded. */
export class BodyIntake {
    private receivingBytes = 0;

    constructor(private readonly options: BodyIntakeOptions) {}

    /** @throws DispatchError `body_too_large`, `link_full`, `envelope_invalid` */
    read(body: IncomingMessage): Promise<Buffer> {
        if (Number(body.headers['content-length'] ?? 0) > this.options.maxBodyBytes)
            return Promise.reject(this.problemOf(Infinity)!);
        return new Promise((resolve, reject) => {
            let chunks: Buffer[] = [];
            let bytes = 0;
            const settle = (act: () => void) => {
                body.off('data', take).off('end', whole).off('close', broken);
                this.receivingBytes -= bytes;
                chunks = [];
                act();
            };
            const take = (chunk: Buffer) => {
                chunks.push(chunk);
                bytes += chunk.length;
                this.receivingBytes += chunk.length;
                const problem = this.problemOf(bytes);
                // The rest is read and forgotten, so that the answer is heard.
                if (problem !== undefined) settle(() => (body.resume(), reject(problem)));
            };
            const whole = () => {
                const all = Buffer.concat(chunks);
                settle(() => resolve(all));
            };
            const broken = () => settle(() => reject(new DispatchError('envelope_invalid', 'the envelope broke off')));
            body.on('data', take).once('end', whole).once('close', broken);
            body.on('error', () => undefined);
        });
    }

    private problemOf(bytes: number): DispatchError | undefined {
        const { maxBodyBytes, maxReceivingBytes } = this.options;
        if (bytes > maxBodyBytes) return new DispatchError('body_too_large', 'the envelope is too large');
        if (this.receivingBytes <= maxReceivingBytes) return undefined;
        const message = 'as much is being received here as there is room for: wait, or ask elsewhere';
        return new DispatchError('link_full', message, { retryAfterMs: 1_000 });
    }
}
