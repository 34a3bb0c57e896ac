import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
    endorsementNeeds,
    KdsClient,
    KdsService,
    startKdsServer,
    type KdsServer,
    type KdsServiceOptions,
} from '../../../../keepers/attestation/snp';
import { ManualClock } from '../../../../keepers/base';
import { developmentPki, judge, now, seed, snp } from './development-evidence';
import { hasVectors, readVector } from './real-vectors';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let clock: ManualClock;
let server: KdsServer;
let folder: string;

beforeEach(async () => {
    clock = new ManualClock(now.getTime());
    server = await startKdsServer({ seed, clock });
    folder = mkdtempSync(path.join(tmpdir(), 'cocoon-kds-'));
});
afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
});

function serviceOn(baseUrl: string, options: KdsServiceOptions = {}): KdsService {
    return new KdsService({ client: new KdsClient({ baseUrl }), clock, ...options });
}

const needs = endorsementNeeds(snp().report);

function errorOf(act: () => unknown): unknown {
    try {
        return act();
    } catch (error) {
        return error;
    }
}

describe('what a report needs', () => {
    it('is told by the report: product line, kind of key, chip and firmware', () => {
        expect(needs).toMatchObject({ line: 'Milan', signingKey: 'vcek', chip: { tcb: { snp: 24, microcode: 219 } } });
        const turin = endorsementNeeds(snp({ pki: developmentPki({ line: 'Turin' }) }).report);
        expect(turin.chip!.id).toHaveLength(8);
        expect(turin.chip!.tcb.fmc).toBe(1);
    });

    it('names no chip for a VLEK, nor where the host masks it', () => {
        expect(endorsementNeeds(snp({ signingKey: 'vlek' }).report).chip).toBeNull();
        expect(endorsementNeeds(snp({ fields: { chipId: Buffer.alloc(64) } }).report).chip).toBeNull();
    });

    it('takes the product line from the caller where a version 2 report does not say it', () => {
        const { report } = snp({ version: 2 });
        expect(() => endorsementNeeds(report)).toThrow('name it');
        expect(endorsementNeeds(report, 'Milan').line).toBe('Milan');
    });

    it.each([Buffer.alloc(0), Buffer.alloc(1184, 0xff)])('of what is no report is an error, not a request', (bytes) => {
        const failure = errorOf(() => endorsementNeeds(bytes, 'Milan'));
        expect(failure).toMatchObject({ code: 'evidence_unusable', action: 'fix' });
    });
});

describe('key distribution service', () => {
    it.each(['Milan', 'Genoa', 'Turin'] as const)('has what judges a report of %s', async (line) => {
        const pki = developmentPki({ line });
        const { report } = snp({ pki });
        const certificates = await serviceOn(`${server.url}/`).certificatesFor(endorsementNeeds(report));
        const verdict = judge({ report, certificates }, { rootKeyHash: pki.rootKeyHash });
        expect(verdict).toMatchObject({ verdict: 'accepted', checks: { revocation: 'passed' } });
        expect(server.requests).toHaveLength(3);
    });

    const itWithVectors = hasVectors ? it : it.skip;

    itWithVectors(
        'is asked for the chip and firmware of a real report as AMD’s specification spells them',
        async () => {
            await serviceOn(server.url).certificatesFor(endorsementNeeds(readVector('milan-report.bin'), 'Milan'));
            expect(server.requests).toContainEqual(
                expect.stringMatching(
                    /^\/vcek\/v1\/Milan\/c38427a30d4c[0-9a-f]{116}\?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115$/,
                ),
            );
        },
    );

    it('has the authorities of a VLEK, whose certificate comes with the report', async () => {
        const { report, certificates } = snp({ signingKey: 'vlek' });
        const vlekNeeds = endorsementNeeds(report);
        const service = serviceOn(server.url);
        await expect(service.certificatesFor(vlekNeeds)).rejects.toMatchObject({ code: 'collateral_unavailable' });
        const authorities = await service.authoritiesFor(vlekNeeds);
        expect(judge({ report, certificates: { ...certificates, ...authorities } }).verdict).toBe('accepted');
    });

    it('is asked once by many callers; certificates are kept, the revocation list is fetched again in time', async () => {
        const service = serviceOn(server.url);
        await Promise.all([1, 2, 3].map(() => service.certificatesFor(needs)));
        expect(server.requests).toHaveLength(3);
        clock.advance(7 * hourMs);
        await service.certificatesFor(needs);
        expect(server.requests.slice(3)).toEqual(['/vcek/v1/Milan/crl']);
    });

    it('may be down: what is in force is served, and it is asked no more often than the back-off', async () => {
        const service = serviceOn(server.url, { firstBackOffMs: hourMs / 2 });
        const before = await service.certificatesFor(needs);
        await server.close();
        clock.advance(7 * hourMs);
        expect(await service.certificatesFor(needs)).toEqual(before);
        clock.advance(200 * dayMs);
        await expect(service.certificatesFor(needs)).rejects.toMatchObject({
            code: 'collateral_unavailable',
            action: 'retry',
        });
        await expect(service.certificatesFor(needs)).rejects.toThrow('failed a moment ago');
        server = await startKdsServer({ seed, clock, port: Number(new URL(server.url).port) });
        clock.advance(hourMs);
        await expect(service.certificatesFor(needs)).resolves.toBeDefined();
    });
});

describe('cache on disk', () => {
    it('serves another process, and one without a way to the service', async () => {
        await serviceOn(server.url, { cacheFolder: folder }).certificatesFor(needs);
        expect(readdirSync(folder).map((name) => name.replace(/-[0-9a-f]{32}-[0-9a-f]{16}/, ''))).toEqual([
            'chain-vcek-Milan.pem',
            'crl-vcek-Milan.der',
            'vcek-Milan.der',
        ]);
        const certificates = await new KdsService({ cacheFolder: folder, clock }).certificatesFor(needs);
        expect(judge({ report: snp().report, certificates })).toMatchObject({ verdict: 'accepted' });
    });

    it('does not keep an old revocation list from being fetched again', async () => {
        await serviceOn(server.url, { cacheFolder: folder }).certificatesFor(needs);
        const sevenHoursAgo = new Date(now.getTime() - 7 * hourMs);
        utimesSync(path.join(folder, 'crl-vcek-Milan.der'), sevenHoursAgo, sevenHoursAgo);
        await serviceOn(server.url, { cacheFolder: folder }).certificatesFor(needs);
        expect(server.requests.slice(3)).toEqual(['/vcek/v1/Milan/crl']);
    });

    it('with a file that is none of its kind is as good as empty', async () => {
        writeFileSync(path.join(folder, 'crl-vcek-Milan.der'), 'not a list');
        await expect(new KdsService({ cacheFolder: folder, clock }).authoritiesFor(needs)).rejects.toThrow(
            'is not configured',
        );
        await serviceOn(server.url, { cacheFolder: folder }).authoritiesFor(needs);
        await expect(new KdsService({ cacheFolder: folder, clock }).authoritiesFor(needs)).resolves.toBeDefined();
    });
});

describe('a service that answers badly', () => {
    let bad: Server;

    const answering = async (listener: RequestListener): Promise<KdsService> => {
        bad = createServer(listener);
        await new Promise<void>((resolve) => bad.listen(0, '127.0.0.1', resolve));
        const baseUrl = `http://127.0.0.1:${(bad.address() as AddressInfo).port}`;
        return new KdsService({ client: new KdsClient({ baseUrl, timeoutMs: 300 }), clock });
    };

    afterEach(async () => {
        bad.closeAllConnections();
        await new Promise((resolve) => bad.close(resolve));
    });

    it.each<[string, string, RequestListener]>([
        ['garbage', 'collateral_malformed', (_, response) => response.end('garbage')],
        ['nothing', 'collateral_malformed', (_, response) => response.end()],
        ['too much', 'collateral_malformed', (_, response) => response.end(Buffer.alloc(300 * 1024))],
        ['a limit of its rate', 'collateral_unavailable', (_, response) => response.writeHead(429).end()],
        ['never', 'collateral_unavailable', () => undefined],
    ])('with %s is %s', async (_, code, listener) => {
        const service = await answering(listener);
        await expect(service.authoritiesFor(needs)).rejects.toMatchObject({ code, action: 'retry' });
    });

    it('with a list that has lapsed is refused', async () => {
        await server.close();
        server = await startKdsServer({ seed, clock, crl: { nextUpdate: new Date(now.getTime() - 1000) } });
        bad = createServer();
        await expect(serviceOn(server.url).authoritiesFor(needs)).rejects.toMatchObject({
            code: 'collateral_malformed',
        });
    });
});
