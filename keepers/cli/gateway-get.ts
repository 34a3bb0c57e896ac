import { request } from 'undici';
import { CocoonError, errorMessage } from '../base';
import { readSecretFile } from '../config';

export interface GatewayGetOptions {
    url: string;
    /** Holds the key, where the gateway asks for one. */
    apiKeyFile?: string;
}

const maxBodyBytes = 64 * 1024 * 1024;
const deadlineMs = 30_000;

/** JSON of a gateway's read route. @throws CocoonError `gateway_unreadable` */
export async function gatewayGet({ url, apiKeyFile }: GatewayGetOptions, path: string): Promise<unknown> {
    const authorization = apiKeyFile === undefined ? {} : { authorization: `Bearer ${readSecretFile(apiKeyFile)}` };
    try {
        const { statusCode, body } = await request(new URL(path, url), {
            headers: authorization,
            signal: AbortSignal.timeout(deadlineMs),
        });
        const chunks: Buffer[] = [];
        let bytes = 0;
        for await (const chunk of body as AsyncIterable<Buffer>) {
            bytes += chunk.length;
            if (bytes > maxBodyBytes) throw new Error('it answers with more than it may');
            chunks.push(chunk);
        }
        if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
        return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    } catch (error) {
        if (error instanceof CocoonError) throw error;
        throw new CocoonError('gateway_unreadable', `${url}: ${errorMessage(error)}`, { action: 'fix', cause: error });
    }
}
