import { createHash, createPrivateKey } from 'node:crypto';
import {
    CollateralService,
    createDevelopmentPki,
    type DevelopmentPki,
    PcsClient,
    type PcsServer,
    startPcsServer,
} from '../../../../keepers/attestation';
import { mintCertificate, toPem } from '../../../../keepers/attestation/mint/certificates';
import { SigningKey } from '../../../../keepers/attestation/mint/signing-key';
import { intelName } from '../../../../keepers/attestation/verify/certificate-chain';
import { ManualClock } from '../../../../keepers/base';
import { DstackEngine, type DstackEngineOptions, EngineError, type EngineEvent } from '../../../../keepers/node/engine';
import { gpuPki, manifest, startDstackServer, walletOf } from './dstack-server';
import { ask, readAnswer } from './read-answer';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const seed = Buffer.alloc(32, 11);
const zeros = '00'.repeat(48);
const os = [{ mrtd: zeros, rtmr0: zeros, rtmr1: zeros, rtmr2: zeros }];
const composeHashes = [createHash('sha256').update(manifest).digest('hex')];
const counted = { promptTokens: 7, cachedPromptTokens: 0, completionTokens: 3, reasoningTokens: 0 };
const question = { model: 'toy', messages: [] };

let pki: DevelopmentPki;
let pcs: PcsServer;
let server: Awaited<ReturnType<typeof startDstackServer>>;
let clock: ManualClock;
let engine: DstackEngine;

function open(options: Partial<DstackEngineOptions> = {}): DstackEngine {
    const collateral = new CollateralService({ client: new PcsClient({ baseUrl: pcs.url }), clock });
    const roots = { rootPublicKey: pki.rootPublicKey, gpuRootPublicKey: gpuPki.rootPublicKey };
    const trusted = { collateral, ...roots, os, composeHashes, minGpus: 1, clock };
    return new DstackEngine({ baseUrl: server.baseUrl, ...trusted, ...options });
}

beforeEach(async () => {
    clock = new ManualClock(startMs);
    pki = createDevelopmentPki({ seed, now: new Date(startMs) });
    pcs = await startPcsServer({ pki, clock });
    server = await startDstackServer(() => pki);
    engine = open();
});

afterEach(async () => {
    await engine.close();
    await server.stop();
    await pcs.close();
});

/** The events until the engine failed, and with what. */
async function failing(body: object = question): Promise<{ events: EngineEvent[]; code: string }> {
    const events: EngineEvent[] = [];
    try {
        for await (const event of ask(engine, body)) events.push(event);
    } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
        return { events, code: (error as EngineError).code };
    }
    throw new Error('the engine did not fail');
}

describe('an engine in a dstack CVM', () => {
    test('is attested on a nonce of ours before anything is sent to it, and once for many requests', async () => {
        const answer = await readAnswer(ask(engine, question));
        expect(answer).toMatchObject({ status: 200, usage: counted });
        expect(answer.body).toContain('Grüß dich 🌴');
        await readAnswer(ask(engine, question));
        expect(server.nonces).toHaveLength(1);
        expect(server.nonces[0]).toMatch(/^[0-9a-f]{64}$/);
        await engine.close();
        engine = open();
        await engine.describe(AbortSignal.timeout(5_000));
        expect(server.nonces[1]).not.toBe(server.nonces[0]);
    });

    test('streams, and the count comes with the confirmed end alone', async () => {
        const events: EngineEvent[] = [];
        for await (const event of ask(engine, { ...question, stream: true })) events.push(event);
        expect(events[0]).toMatchObject({ type: 'head', status: 200 });
        expect(events.at(-1)).toEqual({ type: 'end', usage: counted });
        const chunks = events.filter((event) => event.type === 'chunk');
        expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
        const text = Buffer.concat(chunks.map((chunk) => (chunk.type === 'chunk' ? chunk.data : Buffer.alloc(0))));
        expect(text.toString('utf8')).toMatch(/Grüß.*dich 🌴.*\[DONE\]\n\n$/s);
    });

    test('may put the model before the hashes, spell a whole answer as Python does, and sign a moment later', async () => {
        server.misbehave({ text: (request, response) => `org/toy:${request}:${response}`, signatureLate: 2 });
        expect((await readAnswer(ask(engine, { ...question, stream: true }))).status).toBe(200);
        server.misbehave({ python: true });
        expect((await readAnswer(ask(engine, question))).status).toBe(200);
    });

    test('passes its own refusals on: they cost nothing and nobody signs them', async () => {
        server.misbehave({ refuse: 400 });
        expect(await readAnswer(ask(engine, question))).toMatchObject({ status: 400, usage: { promptTokens: 0 } });
    });

    test('is attested again in the background when half of its time is over, and waited for after all of it', async () => {
        engine = open({ maxAgeMs: 60_000 });
        const next = async (afterMs: number) => {
            clock.advance(afterMs);
            await readAnswer(ask(engine, question));
            await new Promise((resolve) => setTimeout(resolve, 100));
            return server.nonces.length;
        };
        expect(await next(0)).toBe(1);
        expect(await next(29_000)).toBe(1);
        expect(await next(1_000)).toBe(2);
        server.misbehave({ reportStatus: 503 });
        expect(await next(30_000)).toBe(3);
        clock.advance(30_000);
        expect((await failing()).code).toBe('engine_unattested');
        expect((await failing()).code).toBe('engine_unattested');
        expect(server.nonces).toHaveLength(4);
        server.misbehave({});
        expect(await next(10_000)).toBe(5);
    });

    test('may come back with a new key, for which it has a report to show', async () => {
        await readAnswer(ask(engine, question));
        server.key.wallet = walletOf('engine after its restart');
        expect((await failing()).code).toBe('answer_unsigned');
        clock.advance(10_000);
        expect((await readAnswer(ask(engine, question))).status).toBe(200);
        expect(server.nonces).toHaveLength(2);
    });
});

describe('nothing is sent to an engine', () => {
    const foreign = createDevelopmentPki({ seed: Buffer.alloc(32, 12), now: new Date(startMs) });

    test.each<[string, Parameters<typeof server.misbehave>[0], string]>([
        ['for which another root vouches', { mint: { pki: foreign } }, 'pck_chain_root'],
        ['that answers with an old report', { mint: { nonce: Buffer.alloc(32, 1) } }, 'dstack_nonce'],
        [
            'that shows another’s report',
            { report: (r) => ({ ...r, signing_address: `0x${'11'.repeat(20)}` }) },
            'dstack_report_data',
        ],
        ['that runs another manifest', { mint: { appCompose: 'another' } }, 'dstack_compose_denied'],
        [
            'that does not say what it runs',
            { report: (r) => ({ ...r, event_log: null, info: {}, all_attestations: [] }) },
            'dstack_compose_denied',
        ],
        ['of another dstack image', { mint: { measurements: { rtmr1: Buffer.alloc(48, 1) } } }, 'dstack_os_denied'],
        ['without a GPU', { mint: { nvidiaPayload: {} } }, 'dstack_gpu_missing'],
        ['that sends no report', { report: () => ({}) }, 'no dstack report'],
        [
            'whose report is of a gateway alone',
            { report: (r) => ({ gateway_attestation: r, model_attestations: [] }) },
            'no engine that signs',
        ],
        ['that has no report to give', { reportStatus: 500 }, 'no dstack report'],
    ])('%s', async (_, wrong, reason) => {
        server.misbehave(wrong);
        const failure = await readAnswer(ask(engine, question)).catch((error: unknown) => error as EngineError);
        expect(failure).toMatchObject({ code: 'engine_unattested', status: 503 });
        expect((failure as EngineError).message).toContain(reason);
        expect(server.asked).toEqual([]);
        expect(await engine.health(AbortSignal.timeout(5_000))).toMatchObject({ ok: false });
        await expect(engine.describe(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'engine_unattested' });
    });

    test('that is not there', async () => {
        await server.stop();
        expect((await failing()).code).toBe('engine_unattested');
        server = await startDstackServer(() => pki);
    });
});

describe('an answer does not count', () => {
    const other = walletOf('another');
    const cases: [string, Parameters<typeof server.misbehave>[0]][] = [
        ['that was changed on the way', { answer: (body) => body.replace('dich', 'mich') }],
        ['that is signed for another request', { text: (_, response) => `${'0'.repeat(64)}:${response}` }],
        ['that is signed by another key', { signer: other }],
        ['that is not signed at all', { signatureLate: 100 }],
        ['whose signature is of another form', { text: () => 'trust me' }],
    ];

    test.each(cases)('%s: whole, not a byte of it is passed on', async (_, wrong) => {
        server.misbehave(wrong);
        expect(await failing()).toEqual({ events: [], code: 'answer_unsigned' });
    });

    test.each(cases)('%s: streamed, it ends in an error before its count', async (_, wrong) => {
        server.misbehave(wrong);
        const { events, code } = await failing({ ...question, stream: true });
        expect(code).toBe('answer_unsigned');
        expect(events.some((event) => event.type === 'end' || 'usage' in event)).toBe(false);
    });

    test('that names no id to ask its signature by', async () => {
        server.misbehave({ answer: (body) => body.replace(/"id":"[^"]*",?/g, '') });
        expect(await failing()).toEqual({ events: [], code: 'answer_unsigned' });
    });
});

describe('an engine that is reached over TLS', () => {
    let secure: typeof server;
    const [own, other] = ['TLS key', 'another TLS key'].map(selfSigned) as [SelfSigned, SelfSigned];

    beforeEach(async () => {
        secure = await startDstackServer(() => pki, own);
        engine = open({ baseUrl: secure.baseUrl });
    });

    afterEach(() => secure.stop());

    test('is spoken to when it serves with the key that its quote binds, whoever signed the certificate', async () => {
        secure.misbehave({ mint: { tlsFingerprint: own.fingerprint } });
        expect((await readAnswer(ask(engine, question))).status).toBe(200);
        expect(secure.asked).toHaveLength(1);
    });

    test('gets no prompt when its quote binds no TLS key', async () => {
        expect((await failing()).code).toBe('engine_unattested');
        expect(secure.asked).toEqual([]);
    });

    test('gets no prompt through someone with another TLS key', async () => {
        secure.misbehave({ mint: { tlsFingerprint: other.fingerprint } });
        expect((await failing()).code).toBe('engine_unattested');
        expect(secure.asked).toEqual([]);
    });
});

interface SelfSigned {
    key: string;
    cert: string;
    fingerprint: Buffer;
}

function selfSigned(name: string): SelfSigned {
    const key = new SigningKey(seed, name);
    const part = (from: number, to: number) => key.publicKey.subarray(from, to).toString('base64url');
    const secret = (key as unknown as { secret: bigint }).secret.toString(16).padStart(64, '0');
    const jwk = {
        kty: 'EC',
        crv: 'P-256',
        x: part(1, 33),
        y: part(33, 65),
        d: Buffer.from(secret, 'hex').toString('base64url'),
    };
    const cert = mintCertificate({
        serial: Buffer.from([1]),
        subject: intelName.pck,
        issuer: intelName.pck,
        notBefore: new Date(Date.now() - 86_400_000),
        notAfter: new Date(Date.now() + 86_400_000),
        key,
        issuerKey: key,
        pathLength: null,
        crlUrl: 'http://localhost/none',
    });
    return {
        key: createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' }) as string,
        cert: toPem([cert]),
        fingerprint: createHash('sha256').update(key.spki).digest(),
    };
}
