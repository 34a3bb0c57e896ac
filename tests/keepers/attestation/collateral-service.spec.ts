import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
    collateralNeeds,
    CollateralService,
    createDevelopmentPki,
    PcsClient,
    readBundle,
    startPcsServer,
    writeBundle,
    type CollateralNeeds,
    type PcsServer,
} from '../../../keepers/attestation';
import { ManualClock } from '../../../keepers/base';
import { judge, now, pki, seed, sgx, tdx } from './development-evidence';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let clock: ManualClock;
let server: PcsServer;

beforeEach(async () => {
    clock = new ManualClock(now.getTime());
    server = await startPcsServer({ pki, clock });
});
afterEach(() => server.close());

const needsOf = ({ quote }: { quote: Buffer }): CollateralNeeds =>
    collateralNeeds(quote, { at: now, rootPublicKey: pki.rootPublicKey });

function serviceOn(baseUrl: string, options: object = {}): CollateralService {
    return new CollateralService({ client: new PcsClient({ baseUrl }), clock, ...options });
}

describe('collateral service', () => {
    it.each([
        ['TDX', tdx()],
        ['SGX', sgx()],
    ])('fetches what %s evidence needs from a service with the API of Intel', async (_, evidence) => {
        const collateral = await serviceOn(`${server.url}/`).collateralFor(needsOf(evidence));
        expect(judge({ quote: evidence.quote, collateral })).toMatchObject({ verdict: 'accepted', status: 'UpToDate' });
        expect(server.requests).toHaveLength(4);
    });

    it('asks once for many callers, then serves from its cache until it is time to refresh', async () => {
        const service = serviceOn(server.url);
        const needs = needsOf(tdx());
        await Promise.all([service.collateralFor(needs), service.collateralFor(needs), service.collateralFor(needs)]);
        clock.advance(5 * hourMs);
        await service.collateralFor(needs);
        expect(server.requests).toHaveLength(4);
        clock.advance(2 * hourMs);
        await service.collateralFor(needs);
        expect(server.requests).toHaveLength(8);
    });

    it('serves what is still in force while the service is down, and asks no more often than its back-off', async () => {
        const service = serviceOn(server.url, { firstBackOffMs: hourMs / 2 });
        const needs = needsOf(tdx());
        const collateral = await service.collateralFor(needs);
        await server.close();
        clock.advance(7 * hourMs);
        expect(await service.collateralFor(needs)).toEqual(collateral);
        clock.advance(25 * dayMs);
        await expect(service.collateralFor(needs)).resolves.toEqual(collateral);
        clock.advance(10 * dayMs);
        await expect(service.collateralFor(needs)).rejects.toMatchObject({
            code: 'collateral_unavailable',
            action: 'retry',
        });
        await expect(service.collateralFor(needs)).rejects.toThrow('failed a moment ago');
        server = await startPcsServer({ pki, clock, port: Number(new URL(server.url).port) });
        clock.advance(hourMs);
        await expect(service.collateralFor(needs)).resolves.toBeDefined();
    });

    it('is asked again for what was fetched while the clock was ahead, and after its back-off when the clock was set back', async () => {
        const service = serviceOn(server.url, { firstBackOffMs: hourMs / 2 });
        const needs = needsOf(tdx());
        clock.setBy(2 * hourMs);
        await service.collateralFor(needs);
        clock.setBy(-2 * hourMs);
        await service.collateralFor(needs);
        expect(server.requests).toHaveLength(8);
        await server.close();
        clock.advance(7 * hourMs);
        await service.collateralFor(needs);
        server = await startPcsServer({ pki, clock, port: Number(new URL(server.url).port) });
        clock.setBy(-hourMs);
        clock.advance(hourMs);
        await service.collateralFor(needs);
        expect(server.requests).toHaveLength(4);
    });

    it('warns of parts that go out of force', async () => {
        const service = serviceOn(server.url);
        await service.collateralFor(needsOf(tdx()));
        expect(service.expiringParts(7 * dayMs)).toEqual([]);
        clock.advance(25 * dayMs);
        const names = service.expiringParts(7 * dayMs).map(({ name }) => name);
        expect(names.sort()).toEqual(['pck-crl/platform', 'qe-identity/tdx', 'tcb-info/tdx/90c06f000000']);
    });

    it('works offline from a bundle', async () => {
        const folder = mkdtempSync(path.join(tmpdir(), 'collateral-'));
        const file = path.join(folder, 'bundle.json');
        const online = serviceOn(server.url);
        const collateral = await online.collateralFor(needsOf(tdx()));
        await writeBundle(file, online.exportParts());
        const offline = new CollateralService({ clock });
        offline.importParts(readBundle(file));
        expect(await offline.collateralFor(needsOf(tdx()))).toEqual(collateral);
        await expect(offline.collateralFor(needsOf(sgx()))).rejects.toThrow('is not configured');
        online.importParts(readBundle(file));
        expect(await online.collateralFor(needsOf(tdx()))).toEqual(collateral);
        const broken = {
            format: 'cocoon-collateral-1',
            parts: { x: { texts: { pck_crl: 'zz', pck_crl_issuer_chain: '' }, fetchedAtMs: 1 } },
        };
        for (const text of ['', '{}', JSON.stringify(broken), JSON.stringify({ ...broken, more: 1 })]) {
            writeFileSync(file, text);
            expect(() => readBundle(file)).toThrow(expect.objectContaining({ code: 'file_unusable' }) as Error);
        }
        rmSync(folder, { recursive: true });
    });

    it('forgets the family longest unused when it holds too many parts', async () => {
        const service = serviceOn(server.url, { maxParts: 5 });
        const families = ['000000000001', '000000000002', '000000000003'];
        for (const fmspc of families) {
            await service.collateralFor({ tee: 'tdx', authority: 'platform', fmspc });
        }
        expect(Object.keys(service.exportParts())).toHaveLength(5);
        expect(Object.keys(service.exportParts())).not.toContain('tcb-info/tdx/000000000001');
    });
});

describe('what to fetch', () => {
    it('is told only by evidence of a real machine', () => {
        const elsewhere = createDevelopmentPki({ seed: Buffer.alloc(32, 1), now });
        const { quote } = tdx({ pki: elsewhere });
        const unusable = expect.objectContaining({ code: 'evidence_unusable' }) as Error;
        for (const bad of [quote, Buffer.alloc(0), Buffer.alloc(70_000)]) {
            expect(() => needsOf({ quote: bad })).toThrow(unusable);
        }
        expect(() => collateralNeeds(tdx().quote, { at: now })).toThrow(unusable);
        expect(needsOf(sgx())).toEqual({ tee: 'sgx', authority: 'processor', fmspc: '90c06f000000' });
        expect(seed).toHaveLength(32);
    });
});

describe('a service that misbehaves', () => {
    let odd: Server;
    const reply: { status: number; headers: Record<string, string>; body: string | Buffer } = {
        status: 200,
        headers: {},
        body: '',
    };
    beforeAll(async () => {
        odd = createServer((_, response) => response.writeHead(reply.status, reply.headers).end(reply.body));
        await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => {
        odd.closeAllConnections();
        odd.close();
    });

    const client = () => new PcsClient({ baseUrl: `http://127.0.0.1:${(odd.address() as AddressInfo).port}` });
    const needs: CollateralNeeds = { tee: 'tdx', authority: 'platform', fmspc: '90c06f000000' };
    const good = tdx().collateral;
    const chain = { 'SGX-PCK-CRL-Issuer-Chain': encodeURIComponent(good.pck_crl_issuer_chain) };

    it.each([
        ['an error status', 'pckCrl', { status: 503, headers: chain, body: '' }, 'collateral_unavailable'],
        ['no issuer chain', 'pckCrl', { status: 200, headers: {}, body: 'ab' }, 'collateral_malformed'],
        [
            'a chain badly encoded',
            'pckCrl',
            { status: 200, headers: { 'SGX-PCK-CRL-Issuer-Chain': '%zz' }, body: 'ab' },
            'collateral_malformed',
        ],
        ['no signed text', 'tcbInfo', { status: 200, headers: {}, body: '{"tcbInfo":{}}' }, 'collateral_malformed'],
        ['no JSON', 'qeIdentity', { status: 200, headers: {}, body: '<html>' }, 'collateral_malformed'],
        [
            'an endless answer',
            'rootCrl',
            { status: 200, headers: {}, body: Buffer.alloc(300_000) },
            'collateral_malformed',
        ],
    ] as const)('%s is a typed error', async (_, kind, answer, code) => {
        Object.assign(reply, answer);
        await expect(client().fetchPart(kind, needs)).rejects.toMatchObject({ code });
    });

    it('lists served as hex, as some caching services do, are taken', async () => {
        Object.assign(reply, { status: 200, headers: {}, body: `${good.root_ca_crl.toUpperCase()}\n` });
        expect(await client().fetchPart('rootCrl', needs)).toEqual({ root_ca_crl: good.root_ca_crl });
    });

    it.each([
        ['unreadable', Buffer.from('30', 'hex')],
        [
            'out of force',
            Buffer.from(tdx({ collateral: { rootCrl: { nextUpdate: now } } }).collateral.root_ca_crl, 'hex'),
        ],
    ])('a list that is %s is refused at the door', async (what, body) => {
        Object.assign(reply, { status: 200, headers: {}, body });
        const service = new CollateralService({
            client: { fetchPart: () => client().fetchPart('rootCrl', needs) },
            clock,
        });
        await expect(service.collateralFor(needs)).rejects.toThrow(what);
    });

    it('is asked at the paths of Intel and of its caching service', async () => {
        const asked: string[] = [];
        const fetch = (url: unknown) => {
            asked.push(String(url));
            return Promise.resolve(new Response(Buffer.from(good.root_ca_crl, 'hex')));
        };
        for (const options of [
            { baseUrl: 'https://api.trustedservices.intel.com' },
            { baseUrl: 'https://pccs.example' },
            { baseUrl: 'https://x', rootCrlUrl: 'https://y/z' },
        ]) {
            await new PcsClient({ ...options, fetch: fetch }).fetchPart('rootCrl', needs);
        }
        expect(asked).toEqual([
            'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
            'https://pccs.example/sgx/certification/v4/rootcacrl',
            'https://y/z',
        ]);
    });

    it('an unknown path of the development service is not found', async () => {
        expect((await fetch(`${server.url}/sgx/certification/v9/x`)).status).toBe(404);
    });
});
