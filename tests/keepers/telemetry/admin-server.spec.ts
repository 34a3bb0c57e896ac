import { request } from 'undici';
import { z } from 'zod';
import { addDrainActs } from '../../../keepers/telemetry';
import { watchedRole } from './role-telemetry';

const token = 'ab'.repeat(32);
const operator = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

describe('the admin listener', () => {
    const { telemetry, logger, lines } = watchedRole();
    const acted: unknown[] = [];
    let url: string;

    beforeAll(async () => {
        telemetry.addAct('settle', {
            description: 'settle now',
            body: z.strictObject({ force: z.boolean().default(false) }),
            run: async (body) => {
                acted.push(body);
                return { settledNano: '5' };
            },
        });
        telemetry.addAct('fail', {
            description: 'never works',
            body: z.strictObject({}),
            run: () => Promise.reject(new Error('the disk is full')),
        });
        url = await telemetry.listen({ host: '127.0.0.1', port: 0, token });
    });

    afterAll(() => telemetry.close());

    beforeEach(() => acted.splice(0));

    async function call(method: 'GET' | 'POST' | 'OPTIONS' | 'PUT', path: string, options: Options = {}) {
        const { statusCode, headers, body } = await request(`${url}${path}`, { method, ...options });
        const text = await body.text();
        return { status: statusCode, headers, text, json: () => JSON.parse(text) as Record<string, unknown> };
    }

    interface Options {
        headers?: Record<string, string>;
        body?: string;
    }

    const codeOf = (answer: Awaited<ReturnType<typeof call>>) => (answer.json()['error'] as { code: string }).code;

    it('shows metrics, health and state to anyone on this machine', async () => {
        const metrics = await call('GET', '/metrics');
        expect(metrics.status).toBe(200);
        expect(metrics.headers['content-type']).toContain('text/plain');
        expect(metrics.text).toContain('cocoon_build_info{role="dispatcher",version="1.2.3"');
        expect(metrics.text).toMatch(/^process_resident_memory_bytes \d+$/m);
        expect((await call('GET', '/healthz')).json()).toEqual({ ok: true, role: 'dispatcher' });
        expect((await call('GET', '/status')).json()).toMatchObject({ role: 'dispatcher', version: '1.2.3' });
    });

    it('is ready once the role has started and nothing speaks against it, and says what does', async () => {
        let problem: string | null = 'no node is connected';
        telemetry.readiness.add('no_node', () => problem);
        const starting = await call('GET', '/readyz');
        expect(starting.status).toBe(503);
        expect(starting.json()['reasons']).toEqual([
            { reason: 'starting', detail: 'it has not finished starting' },
            { reason: 'no_node', detail: 'no node is connected' },
        ]);
        telemetry.readiness.started();
        const unready = await call('GET', '/metrics');
        expect(unready.text).toContain('cocoon_not_ready{reason="no_node"} 1');
        expect(unready.text).toContain('cocoon_ready 0');
        problem = null;
        expect((await call('GET', '/readyz')).status).toBe(200);
        const { text } = await call('GET', '/metrics');
        expect(text).toContain('cocoon_ready 1');
        expect(text).not.toContain('cocoon_not_ready{');
    });

    it('warns of what does not keep it from its work, and stays ready', async () => {
        let low: string | null = 'the gas wallet holds 0.1 TON';
        telemetry.readiness.addWarning('gas_low', () => low);
        const ready = await call('GET', '/readyz');
        expect([ready.status, ready.json()]).toEqual([
            200,
            expect.objectContaining({ warnings: [{ reason: 'gas_low', detail: 'the gas wallet holds 0.1 TON' }] }),
        ]);
        const { text } = await call('GET', '/metrics');
        expect(text).toContain('cocoon_warning{reason="gas_low"} 1');
        expect(text).toContain('cocoon_ready 1');
        low = null;
        expect((await call('GET', '/metrics')).text).not.toContain('cocoon_warning{');
    });

    it('names what undoes a drain, and says that it is being stopped only when it is', async () => {
        const told = async () => ((await call('GET', '/readyz')).json()['reasons'] as { detail: string }[])[0]?.detail;
        addDrainActs(telemetry, { inFlight: 0, setDraining: () => undefined });
        const act = (name: string) => call('POST', `/admin/${name}`, { headers: operator, body: '{}' });
        await act('drain');
        expect(await told()).toMatch(/drained.*`cocoon admin resume`/);
        await act('resume');
        expect(await told()).toBeUndefined();
        telemetry.readiness.setStopping();
        await act('resume');
        expect(await told()).toBe('it takes no new work: it is being stopped');
    });

    it('acts for whoever has the token', async () => {
        const answer = await call('POST', '/admin/settle', { headers: operator, body: '{"force":true}' });
        expect([answer.status, answer.json()]).toEqual([200, { ok: true, settledNano: '5' }]);
        expect(acted).toEqual([{ force: true }]);
        expect((await call('GET', '/admin')).json()['acts']).toContainEqual({
            name: 'settle',
            description: 'settle now',
        });
    });

    it.each([
        ['no token', { 'content-type': 'application/json' }, 401, 'admin_token_wrong'],
        ['a wrong token', { ...operator, authorization: `Bearer ${'ac'.repeat(32)}` }, 401, 'admin_token_wrong'],
        ['a part of the token', { ...operator, authorization: `Bearer ${token.slice(1)}` }, 401, 'admin_token_wrong'],
        ['the token in another scheme', { ...operator, authorization: `Basic ${token}` }, 401, 'admin_token_wrong'],
        ['a form', { ...operator, 'content-type': 'text/plain' }, 415, 'admin_content_type'],
        ['a page’s origin', { ...operator, origin: 'https://evil.example' }, 403, 'admin_origin_refused'],
        ['a sandboxed page', { ...operator, origin: 'null' }, 403, 'admin_origin_refused'],
        ['a page of this very port', { ...operator, 'sec-fetch-site': 'same-origin' }, 403, 'admin_origin_refused'],
        ['another site’s page', { ...operator, 'sec-fetch-site': 'cross-site' }, 403, 'admin_origin_refused'],
        ['a rebound name', { ...operator, host: 'evil.example:9101' }, 403, 'admin_host_refused'],
        ['a name that only begins right', { ...operator, host: 'localhost.evil.example' }, 403, 'admin_host_refused'],
    ])('does nothing for %s', async (_, headers, status, code) => {
        const answer = await call('POST', '/admin/settle', { headers, body: '{}' });
        expect([answer.status, codeOf(answer)]).toEqual([status, code]);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
        expect(acted).toEqual([]);
    });

    it.each([['/metrics'], ['/status'], ['/readyz'], ['/healthz'], ['/admin']])(
        'shows no page of another site, nor a rebound name, %s',
        async (path) => {
            for (const [name, value] of [
                ['host', 'evil.example'],
                ['sec-fetch-site', 'cross-site'],
            ] as const)
                expect((await call('GET', path, { headers: { [name]: value } })).status).toBe(403);
        },
    );

    it('acts on POST alone, and grants no other site a preflight', async () => {
        expect(codeOf(await call('GET', '/admin/settle'))).toBe('admin_method_refused');
        expect(codeOf(await call('PUT', '/admin/settle', { headers: operator, body: '{}' }))).toBe(
            'admin_method_refused',
        );
        const preflight = await call('OPTIONS', '/admin/settle', { headers: { origin: 'https://evil.example' } });
        expect(preflight.status).toBe(403);
        expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
        expect(acted).toEqual([]);
    });

    it.each([
        ['an unknown act', '/admin/explode', '{}', 404, 'admin_not_found'],
        ['an unknown setting', '/admin/settle', '{"forec":true}', 400, 'admin_body_invalid'],
        ['no JSON', '/admin/settle', '{', 400, 'admin_body_invalid'],
        ['too much', '/admin/settle', `{"force":"${'x'.repeat(5_000)}"}`, 413, 'admin_body_too_large'],
        ['what fails', '/admin/fail', '{}', 500, 'admin_failed'],
    ])('answers %s with a typed error', async (_, path, body, status, code) => {
        const answer = await call('POST', path, { headers: operator, body });
        expect([answer.status, codeOf(answer)]).toEqual([status, code]);
        expect(acted).toEqual([]);
    });

    it('changes what the log shows, and counts warnings and errors', async () => {
        logger.debug('not shown');
        const answer = await call('POST', '/admin/log-level', { headers: operator, body: '{"level":"debug"}' });
        expect(answer.json()).toEqual({ ok: true, before: 'info', level: 'debug' });
        logger.debug('shown');
        logger.error('something broke');
        expect(lines.join('')).toContain('"msg":"shown"');
        expect(lines.join('')).not.toContain('not shown');
        expect((await call('GET', '/metrics')).text).toMatch(/cocoon_log_lines_total\{level="error"\} [1-9]/);
    });

    it('never logs the token', () => {
        expect(lines.join('')).not.toContain(token);
    });
});

test('without a token file nothing can be done, only looked at', async () => {
    const { telemetry } = watchedRole();
    const url = await telemetry.listen({ host: '127.0.0.1', port: 0, token: null });
    const answer = await request(`${url}/admin/log-level`, { method: 'POST', headers: operator, body: '{}' });
    expect(answer.statusCode).toBe(403);
    expect(await answer.body.json()).toMatchObject({ error: { code: 'admin_token_missing' } });
    await telemetry.close();
});
