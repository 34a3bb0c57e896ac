import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { runAdminAct } from '../../../../keepers/cli/admin/act';
import { runRoleStatus } from '../../../../keepers/cli/admin/status';
import { ensureTokenFile } from '../../../../keepers/config';
import { configuredRole } from '../doctor/configured-roles';
import { watchedRole } from '../../telemetry/role-telemetry';

const tokenFile = path.join(mkdtempSync(path.join(tmpdir(), 'cocoon-admin-')), 'token');
const { telemetry } = watchedRole('settler');
let url: string;

beforeAll(async () => {
    telemetry.addStatus('settler', () => ({ outstandingNano: '1500000000', lastFailures: [] }));
    telemetry.addAct('settle', {
        description: 'settle now',
        body: z.strictObject({ force: z.boolean().default(false) }),
        run: async ({ force }) => ({ forced: force }),
    });
    url = await telemetry.listen({ host: '127.0.0.1', port: 0, token: ensureTokenFile(tokenFile) });
});

afterAll(() => telemetry.close());

test('status exits with 1 while a role does not take work, and says why; with 0 once it does', async () => {
    const starting = await runRoleStatus({ url });
    expect(starting.exitCode).toBe(1);
    expect(starting.output).toMatch(/^settler 1\.2\.3 .*\nnot ready:\n {2}starting: /);
    telemetry.readiness.started();
    const ready = await runRoleStatus({ url });
    expect([ready.exitCode, ready.output]).toEqual([0, expect.stringContaining('outstandingNano: 1.5 TON')]);
    const json = JSON.parse((await runRoleStatus({ url, json: true })).output) as object;
    expect(json).toMatchObject({ ready: true, reasons: [], settler: { outstandingNano: '1500000000' } });
});

test('the status of a node names the version of Node.js beside its own section', async () => {
    const { telemetry: node } = watchedRole('node');
    node.addStatus('node', () => ({ nodeKey: 'ab' }));
    const nodeUrl = await node.listen({ host: '127.0.0.1', port: 0, token: null });
    const { output } = await runRoleStatus({ url: nodeUrl });
    expect(output).toContain(`node 1.2.3 on Node.js ${process.version}, `);
    expect(output).toContain('\nnode:\n  nodeKey: ab');
    const json = JSON.parse((await runRoleStatus({ url: nodeUrl, json: true })).output) as object;
    expect(json).toMatchObject({ nodejs: process.version, node: { nodeKey: 'ab' } });
    await node.close();
});

test('status finds a role by its configuration', async () => {
    const config = await configuredRole('settler', { admin: { port: Number(new URL(url).port) } });
    expect((await runRoleStatus({ config })).exitCode).toBe(0);
});

test.each([
    ['no listener is configured', { admin: undefined }, 'admin_missing'],
    ['any port is', { admin: { port: 0 } }, 'admin_missing'],
    ['nothing runs there', { admin: { port: 9 } }, 'role_unreachable'],
])('where %s, the error says what to do', async (_, settings, code) => {
    const config = await configuredRole('settler', settings);
    await expect(runRoleStatus({ config })).rejects.toMatchObject({ code });
});

test('an act is done for whoever can read the token, and for nobody else', async () => {
    expect(await runAdminAct('settle', { url, tokenFile, body: '{"force":true}', json: true })).toEqual({
        exitCode: 0,
        output: '{"ok":true,"forced":true}',
    });
    await expect(runAdminAct('settle', { url, body: '{}' })).rejects.toMatchObject({ code: 'admin_token_missing' });
    const other = path.join(path.dirname(tokenFile), 'other');
    ensureTokenFile(other);
    const refused = await runAdminAct('settle', { url, tokenFile: other, body: '{}' });
    expect(refused).toMatchObject({ exitCode: 1, output: expect.stringContaining('admin_token_wrong') as string });
});

test('without an act they are listed, and an unknown one is refused', async () => {
    expect((await runAdminAct(undefined, { url, body: '{}' })).output).toContain('settle       settle now');
    expect((await runAdminAct('explode', { url, tokenFile, body: '{}' })).exitCode).toBe(1);
    await expect(runAdminAct('settle', { url, tokenFile, body: '[]' })).rejects.toMatchObject({
        code: 'argument_invalid',
    });
});
