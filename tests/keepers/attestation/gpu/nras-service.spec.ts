import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
    NrasClient,
    nvidiaRootPublicKey,
    startNrasServer,
    verifyGpuEvidence,
    verifyGpuEvidenceWithNras,
    type GpuDocument,
    type NrasServer,
    type NrasServerOptions,
} from '../../../../keepers/attestation/gpu';
import { ManualClock } from '../../../../keepers/base';
import { parseGpuReport } from '../../../../keepers/attestation/gpu/parse/spdm';
import { gpu, now, pki, seed } from './development-gpus';
import { describeRealGpus, readGpuDocument } from './real-gpu-vectors';

const clock = new ManualClock(now.getTime());
const running: { close(): unknown }[] = [];
afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

async function service(options: Partial<NrasServerOptions> = {}): Promise<NrasServer> {
    const server = await startNrasServer({ seed, rootPublicKey: pki.rootPublicKey, clock, ...options });
    running.push(server);
    return server;
}

async function plain(listener: RequestListener): Promise<string> {
    const server: Server = createServer(listener);
    running.push({ close: () => server.closeAllConnections() ?? server.close() });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As a gateway does: asks the service and judges its answer. */
async function ask(document: GpuDocument, { url, issuer }: NrasServer, rootPublicKey = pki.rootPublicKey) {
    const client = new NrasClient({ url });
    const [token, keys] = [await client.attest(document), await client.keys()];
    return verifyGpuEvidenceWithNras(document, token, { at: now, rootPublicKey, nras: { keys, issuer } });
}

describe('the attestation service of a development network', () => {
    it('vouches for GPUs of the network, of either architecture', async () => {
        const server = await service();
        for (const architecture of ['HOPPER', 'BLACKWELL'] as const) {
            const verdict = await ask(gpu({}, { architecture }), server);
            expect(verdict).toMatchObject({
                verdict: 'accepted',
                checks: { revocation: 'nras', measurements: 'nras' },
            });
        }
        expect(server.requests).toContain('/.well-known/jwks.json');
    });

    it('says so where a certificate is on hold, though the evidence verifies offline', async () => {
        const document = gpu();
        const { ueid } = verifyGpuEvidence(document, { at: now, rootPublicKey: pki.rootPublicKey }).gpus[0]!;
        expect(await ask(document, await service({ revokedUeids: [ueid] }))).toMatchObject({
            failedCheck: 'nras_revoked',
        });
    });

    it('says so where the driver does not measure as it should', async () => {
        const tampered = gpu({ changes: { measurement: [3, Buffer.alloc(48, 9)] } });
        expect(await ask(tampered, await service())).toMatchObject({ failedCheck: 'nras_measurements' });
    });

    it('vouches for nothing that is not genuine', async () => {
        const [only] = gpu() as [GpuDocument[number]];
        const forged = Buffer.from(only.evidence, 'base64');
        forged[100]! ^= 1;
        const { url } = await service();
        await expect(
            new NrasClient({ url }).attest([{ ...only, evidence: forged.toString('base64') }]),
        ).rejects.toMatchObject({ code: 'nras_unavailable' });
    });
});

describe('the client of the attestation service', () => {
    const refused = { code: 'nras_unavailable' };

    it('asks for GPUs of one architecture and nonce at a time', async () => {
        const mixed = [...gpu(), ...gpu({}, { architecture: 'BLACKWELL' })];
        await expect(new NrasClient().attest(mixed)).rejects.toMatchObject({ code: 'evidence_unusable' });
    });

    it('gives up on a service that is silent, refuses, redirects, or answers no JSON', async () => {
        const listeners: RequestListener[] = [
            () => undefined,
            (_, response) => response.writeHead(503).end('{}'),
            (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
            (_, response) => response.end('<html>'),
        ];
        for (const listener of listeners) {
            const client = new NrasClient({ url: await plain(listener), timeoutMs: 300 });
            await expect(client.attest(gpu())).rejects.toMatchObject(refused);
            await expect(client.keys()).rejects.toMatchObject(refused);
        }
    });

    it('reads no endless answer', async () => {
        const url = await plain((_, response) => {
            const more = () => response.write('x'.repeat(64 * 1024)) && setImmediate(more);
            response.on('drain', more);
            more();
        });
        await expect(new NrasClient({ url }).keys()).rejects.toMatchObject(refused);
    });

    it('takes the keys from elsewhere where told', async () => {
        const [first, second] = [await service(), await service()];
        await new NrasClient({ url: first.url, jwksUrl: `${second.url}/.well-known/jwks.json` }).keys();
        expect([first.requests, second.requests]).toEqual([[], ['/.well-known/jwks.json']]);
    });
});

describeRealGpus('real GPUs and the service', () => {
    const measured = (name: string) =>
        parseGpuReport(Buffer.from(readGpuDocument(name)[0]!.evidence, 'base64')).measurements;

    it('accept what is not revoked, and refuse the one on hold, whose evidence verifies offline', async () => {
        for (const [name, isOnHold] of [
            ['hopper_evidence.json', false],
            ['hopper_evidence_cert_hold.json', true],
        ] as const) {
            const document = readGpuDocument(name);
            const local = verifyGpuEvidence(document, { at: now });
            expect(local.verdict).toBe('accepted');
            const server = await service({
                rootPublicKey: nvidiaRootPublicKey,
                revokedUeids: isOnHold ? [local.gpus[0]!.ueid] : [],
                reference: () => measured(name),
            });
            const verdict = await ask(document, server, nvidiaRootPublicKey);
            expect(verdict.failedCheck).toBe(isOnHold ? 'nras_revoked' : null);
        }
    });
});
