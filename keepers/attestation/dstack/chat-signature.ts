import { createHash } from 'node:crypto';
import { verifyMessage } from 'ethers/hash';
import { z } from 'zod';
import { AttestationError } from '../errors';
import { pythonSpelling } from './python-json';

/** `GET /v1/signature/{chat_id}`: an Ethereum personal message on the hashes of a request and its answer. */
const signatureSchema = z.object({
    text: z.string().max(1024),
    signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/),
    signing_address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
    signing_algo: z
        .string()
        .transform((name) => name.toLowerCase())
        .pipe(z.literal('ecdsa'))
        .optional(),
});

export type ChatSignature = z.output<typeof signatureSchema>;

/** @throws AttestationError `evidence_unusable` */
export function parseChatSignature(json: unknown): ChatSignature {
    const parsed = signatureSchema.safeParse(json);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0]!;
    throw new AttestationError('evidence_unusable', `no chat signature: ${path.join('.')}: ${message}`.slice(0, 200));
}

/** What was signed is not what was sent and received, or not by whom it should be. */
export type ChatSignatureFlaw = 'chat_text' | 'chat_request' | 'chat_response' | 'chat_signer' | 'chat_signature';

export interface SignedExchange {
    /** Addresses that may sign, 20 bytes in hex. */
    signers: ReadonlySet<string>;
    /** SHA-256 of the request's body as it was sent, in hex. */
    requestHash: string;
    /** SHA-256 of the answer's body as it was received, in hex. */
    responseHash: string;
    /** The answer itself, where it is one piece of JSON: a proxy may have hashed another spelling of it. */
    response?: Buffer;
}

/** Null when the signature holds for this exchange. The text is `request:response`, or `model:request:response`. */
export function chatSignatureFlaw(signed: ChatSignature, exchange: SignedExchange): ChatSignatureFlaw | null {
    const match = /^(?:.{1,256}:)?([0-9a-f]{64}):([0-9a-f]{64})$/s.exec(signed.text);
    if (match === null) return 'chat_text';
    const [, requestHash, responseHash] = match;
    if (requestHash !== exchange.requestHash) return 'chat_request';
    if (responseHash !== exchange.responseHash && responseHash !== respelledHash(exchange.response)) {
        return 'chat_response';
    }
    const signer = signed.signing_address.slice(2).toLowerCase();
    if (!exchange.signers.has(signer)) return 'chat_signer';
    return recovered(signed) === signer ? null : 'chat_signature';
}

function respelledHash(response: Buffer | undefined): string | undefined {
    const spelled = response && pythonSpelling(response.toString('utf8'));
    return spelled && createHash('sha256').update(spelled, 'utf8').digest('hex');
}

/** Undefined where nobody could have made the signature. */
function recovered({ text, signature }: ChatSignature): string | undefined {
    try {
        return verifyMessage(text, signature).slice(2).toLowerCase();
    } catch {
        return undefined;
    }
}
