import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { AttestationError } from '../errors';
import { maxQuoteLength } from '../verify/verify-quote';

/** Eight GPUs come to 300 kB; a cloud's report holds some dozen nodes. */
export const maxDstackReportBytes = 32 * 1024 * 1024;
const maxAttestations = 64;
const maxTextLength = 4 * 1024 * 1024;

const bytes = (maxBytes: number) =>
    z
        .string()
        .max(2 + 2 * maxBytes)
        .regex(/^(?:0x)?(?:[0-9a-fA-F]{2})*$/, 'must be bytes in hex')
        .transform((text) => Buffer.from(text.replace(/^0x/, ''), 'hex'));
const text = z.string().max(maxTextLength);

const attestationSchema = z
    .object({
        signing_address: bytes(65),
        signing_algo: z
            .string()
            .max(16)
            .transform((name) => name.toLowerCase())
            .pipe(z.enum(['ecdsa', 'ed25519'])),
        intel_quote: bytes(maxQuoteLength),
        request_nonce: bytes(64).nullish(),
        report_data: bytes(64).nullish(),
        tls_cert_fingerprint: bytes(64).nullish(),
        model_name: z.string().max(256).nullish(),
        /** JSON in a string, or the array itself. */
        event_log: z.union([text, z.array(z.unknown()).max(4096)]).nullish(),
        info: z.object({ tcb_info: z.union([text, z.looseObject({})]).nullish() }).nullish(),
        nvidia_payload: z.union([text, z.looseObject({})]).nullish(),
    })
    .transform((read) => ({
        signingAddress: read.signing_address,
        signingAlgo: read.signing_algo,
        quote: read.intel_quote,
        requestNonce: read.request_nonce ?? null,
        reportData: read.report_data ?? null,
        tlsFingerprint: read.tls_cert_fingerprint ?? null,
        modelName: read.model_name ?? null,
        eventLog: read.event_log ?? null,
        tcbInfo: read.info?.tcb_info ?? null,
        nvidiaPayload: read.nvidia_payload ?? null,
    }));

/** Whose key a report is about: a node that answers by itself, or gateway and model nodes of a cloud. */
export type DstackRole = 'node' | 'gateway' | 'model';

/** One attestation of a report, as it claims; nothing of it is verified. */
export interface DstackAttestation extends z.output<typeof attestationSchema> {
    role: DstackRole;
}

const list = z.array(attestationSchema).max(maxAttestations);
const cloudSchema = z.object({ gateway_attestation: attestationSchema.nullish(), model_attestations: list });
const nodeSchema = z.object({ all_attestations: list.nullish() });

/**
 * The answer to `GET /v1/attestation/report`, as dstack's vllm-proxy and NEAR AI's inference proxy give it for one node and
 * NEAR AI's cloud for a gateway and its model nodes.
 * @throws AttestationError `evidence_unusable`
 */
export function parseDstackReport(json: unknown): DstackAttestation[] {
    const cloud = cloudSchema.safeParse(json);
    if (cloud.success) {
        const { gateway_attestation: gateway, model_attestations: models } = cloud.data;
        const found = [
            ...(gateway ? [{ ...gateway, role: 'gateway' as const }] : []),
            ...models.map((model) => ({ ...model, role: 'model' as const })),
        ];
        if (found.length > 0) return found;
    }
    const own = attestationSchema.safeParse(json);
    const others = nodeSchema.safeParse(json);
    if (!own.success || !others.success) {
        const { path, message } = (own.error ?? others.error!).issues[0]!;
        throw new AttestationError(
            'evidence_unusable',
            `no dstack report: ${path.join('.')}: ${message}`.slice(0, 200),
        );
    }
    // A node repeats itself in the list; replicas behind the same address have quotes of their own.
    const replicas = (others.data.all_attestations ?? []).filter(({ quote }) => !quote.equals(own.data.quote));
    return [own.data, ...replicas].map((attestation) => ({ ...attestation, role: 'node' as const }));
}

/** @throws AttestationError `file_unusable` */
export function readDstackReportFile(file: string): DstackAttestation[] {
    try {
        if (statSync(file).size > maxDstackReportBytes) throw new Error('too large');
        return parseDstackReport(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
        const reason = error instanceof AttestationError ? `: ${error.message}` : '';
        throw new AttestationError('file_unusable', `${file} is not a readable dstack report${reason}`, error);
    }
}
