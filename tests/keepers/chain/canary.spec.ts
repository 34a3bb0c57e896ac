import { beginCell } from '@ton/core';
import { ManualClock } from '../../../keepers/base';
import { ChainClient, type ChainStatus } from '../../../keepers/chain';
import { Canary } from '../../../keepers/chain/canary';
import { ChainHealth } from '../../../keepers/chain/chain-health';
import { EndpointPool } from '../../../keepers/chain/endpoints/endpoint-pool';
import type { HttpAnswer } from '../../../keepers/chain/endpoints/http-exchange';
import { modelAddress } from './model-account';

const zeros = Buffer.alloc(32).toString('base64');

function chain(ports = [1, 2]) {
    const clock = new ManualClock(1_800_000_000_000);
    const state = { version: 12, strange: false, down: false, tag: 0xc4 };
    /** By port: what that endpoint alone says of the version; null where it is silent. */
    const alone = new Map<string, number | null>();
    let told = state.version;
    const answers: Record<string, () => unknown> = {
        getAddressInformation: () => ({
            balance: '1',
            state: 'uninitialized',
            code: '',
            data: '',
            last_transaction_id: { lt: '0', hash: zeros },
            block_id: { seqno: 7 },
            sync_utime: 1_800_000_000,
        }),
        getConfigParam: () => {
            const param = beginCell().storeUint(state.tag, 8).storeUint(told, 32).storeUint(0x1ee, 64);
            return { config: { bytes: param.endCell().toBoc().toString('base64') } };
        },
        sendBoc: () => ({ '@type': 'ok' }),
    };
    const exchange = async ({ body, url }: { body?: string; url: string }): Promise<HttpAnswer> => {
        const said = alone.get(new URL(url).port);
        told = said ?? state.version;
        if (state.down || said === null) return { status: 502, text: 'bad gateway', retryAfter: null };
        const { method } = JSON.parse(body!) as { method: string };
        const result = state.strange ? { '@type': 'something.new' } : answers[method]!();
        return { status: 200, text: JSON.stringify({ ok: true, result }), retryAfter: null };
    };
    const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
    return { clock, state, alone, options: { endpoints, exchange, clock, attempts: 1 } };
}

function watched(ports?: number[]) {
    const { clock, state, alone, options } = chain(ports);
    const pool = new EndpointPool(options);
    const health = new ChainHealth({ pool, clock });
    const changes: ChainStatus[] = [];
    health.watch((status) => changes.push(status));
    return { clock, state, alone, health, changes, canary: new Canary({ pool, health, clock, quarantineMs: 60_000 }) };
}

it('an upgrade of TON by its version is a degraded mode until its answers have been known for long enough', async () => {
    const { clock, state, health, changes, canary } = watched();
    await canary.look();
    expect(health.status()).toMatchObject({ mode: 'normal', globalVersion: 12 });
    state.version = 13;
    for (let i = 0; i < 10; i++) await canary.look();
    expect(health.status()).toMatchObject({ mode: 'degraded', reasons: ['version_raised'], globalVersion: 13 });
    clock.advance(59_000);
    await canary.look();
    expect(health.isUpgraded).toBe(true);
    clock.advance(1_000);
    await canary.look();
    expect(health.status()).toMatchObject({ mode: 'normal', degradations: 1 });
    expect(changes.map(({ mode }) => mode)).toEqual(['degraded', 'normal']);
});

describe('a newer version of TON that one endpoint alone names', () => {
    it.each([
        ['three', [1, 2, 3]],
        ['two', [1, 2]],
    ])('of %s does not keep anybody from sending', async (_count, ports) => {
        const { clock, alone, health, changes, canary } = watched(ports);
        await canary.look();
        for (let i = 0; i < 60; i++) {
            alone.set('1', 12 + (i % 2));
            clock.advance(30_000);
            await canary.look();
        }
        expect(changes).toEqual([]);
        expect(health.status()).toMatchObject({ mode: 'normal', globalVersion: 12 });
    });

    it('counts where no other answers', async () => {
        const { alone, health, canary } = watched();
        await canary.look();
        alone.set('1', null);
        alone.set('2', 13);
        for (let i = 0; i < 10; i++) await canary.look();
        expect(health.status()).toMatchObject({ reasons: ['version_raised'], globalVersion: 13 });
    });

    it('counts once another names it too, whatever a third says', async () => {
        const { state, alone, health, canary } = watched([1, 2, 3]);
        await canary.look();
        state.version = 13;
        alone.set('1', 12);
        for (let i = 0; i < 10; i++) await canary.look();
        expect(health.status()).toMatchObject({ reasons: ['version_raised'], globalVersion: 13 });
    });
});

it('answers of a form that is not known degrade, and end it when they are known again', async () => {
    const { clock, state, health, canary } = watched();
    await canary.look();
    state.strange = true;
    await canary.look();
    expect(health.status()).toMatchObject({ mode: 'degraded', reasons: ['schema_unknown'] });
    state.strange = false;
    clock.advance(5_000);
    await canary.look();
    expect(health.status()).toMatchObject({ mode: 'normal', reasons: [] });
});

it('a configuration with another constructor is an answer of unknown form', async () => {
    const { state, health, canary } = watched();
    state.tag = 0xc5;
    await canary.look();
    expect(health.status().endpoints[0]).toMatchObject({ state: 'schema_unknown', lastErrorCode: 'rpc_malformed' });
});

it('endpoints that are silent for a while are a reason too, and heal by themselves', async () => {
    const { clock, state, health, canary } = watched();
    state.down = true;
    for (let i = 0; i < 4; i++) {
        await canary.look();
        clock.advance(5_000);
    }
    expect(health.status().reasons).toEqual(['unreachable']);
    state.down = false;
    await canary.look();
    expect(health.status().mode).toBe('normal');
});

it('while the chain is not understood nothing is sent and nothing new trusted, and reading goes on', async () => {
    const { state, options } = chain();
    const client = new ChainClient(options);
    state.strange = true;
    await client.agree((view) => view.getBalanceNano(modelAddress)).catch(() => undefined);
    expect(client.health.status().reasons).toEqual(['schema_unknown']);
    await expect(client.sendBoc(Buffer.alloc(4))).rejects.toMatchObject({ code: 'chain_upgraded', action: 'retry' });
    const trusting = client.agree((view) => view.getBalanceNano(modelAddress));
    await expect(trusting).rejects.toMatchObject({ code: 'chain_upgraded' });
    state.strange = false;
    expect(await client.getBalanceNano(modelAddress)).toBe(1n);
    expect(client.health.status().mode).toBe('normal');
    await client.sendBoc(Buffer.alloc(4));
});
