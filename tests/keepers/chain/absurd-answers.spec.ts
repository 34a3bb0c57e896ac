import { Address } from '@ton/core';
import { ManualClock } from '../../../keepers/base';
import { ChainClient, type ChainError } from '../../../keepers/chain';

const zeros = Buffer.alloc(32).toString('base64');
const account = new Address(0, Buffer.alloc(32, 7));
const absurd = 2_000_000_000;
const minuteMs = 60_000;

/** What an endpoint says of the chain at one call. */
interface Told {
    seqno: number;
    shiftSec: number;
    lt: bigint;
}

/** Endpoints in this process; `tell` changes what one of them says. */
function world(hosts: string[], tell: (honest: Told, host: string, call: number) => Partial<Told> | undefined) {
    const clock = new ManualClock(1_800_000_000_000);
    let call = 0;
    const client = new ChainClient({
        endpoints: hosts.map((host) => `http://${host}/`),
        clock,
        attempts: 1,
        exchange: async ({ url }) => {
            const honest = { seqno: 1_000 + Math.floor(clock.monotonicMs() / 3_000), shiftSec: 0, lt: 50n };
            const told = { ...honest, ...tell(honest, new URL(url).host, ++call) };
            const result = {
                balance: '1',
                state: 'uninitialized',
                code: '',
                data: '',
                last_transaction_id: { lt: told.lt.toString(), hash: zeros },
                block_id: { seqno: told.seqno },
                sync_utime: Math.floor(clock.nowMs() / 1_000) + told.shiftSec,
            };
            return { status: 200, retryAfter: null, text: JSON.stringify({ ok: true, result }) };
        },
    });
    const outcome = (read: Promise<unknown>) => read.then(String, (error: ChainError) => error.code);
    const read = () => outcome(client.getBalanceNano(account));
    const agree = () => outcome(client.agree((view) => view.getBalanceNano(account)));
    /** Once a minute. */
    const often = async (times: number, ask: () => Promise<string>) => {
        const told: string[] = [];
        for (let i = 0; i < times; i++) {
            clock.advance(minuteMs);
            told.push(await ask());
        }
        return told;
    };
    return { clock, client, read, agree, often };
}

describe('an absurd block number', () => {
    it('in one answer is asked about again, and nobody notices', async () => {
        const { client, read } = world(['one'], (_honest, _host, call) => (call === 2 ? { seqno: absurd } : undefined));
        expect([await read(), await read(), await read()]).toEqual(['1', '1', '1']);
        expect(client.health.status().endpoints[0]).toMatchObject({ headSeqno: 1_000, failures: 0 });
    });

    it('that an endpoint told at first, or twice, shuts it out for minutes and not for good', async () => {
        for (const calls of [[1], [2, 3]]) {
            const { read, often } = world(['one'], (_honest, _host, call) =>
                calls.includes(call) ? { seqno: absurd } : undefined,
            );
            await read();
            await read();
            const told = await often(10, read);
            expect(told[0]).toBe('rpc_stale');
            expect(told.slice(5)).toEqual(Array(5).fill('1'));
        }
    });

    it('of one of two endpoints keeps them from agreeing for minutes and not for good', async () => {
        let isWrong = false;
        const { client, agree, often } = world(['one', 'two'], (_honest, host) =>
            isWrong && host === 'one' ? { seqno: absurd } : undefined,
        );
        expect(await agree()).toBe('1');
        isWrong = true;
        await client.getBalanceNano(account);
        isWrong = false;
        expect((await often(10, agree)).at(-1)).toBe('1');
    });

    it('of one of three endpoints does not make the other two laggards: they agree', async () => {
        const { client, agree, often } = world(['liar', 'one', 'two'], (_honest, host) =>
            host === 'liar' ? { seqno: absurd } : undefined,
        );
        expect(await agree()).toBe('1');
        expect(await often(5, agree)).toEqual(Array(5).fill('1'));
        expect(client.health.status().endpoints.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
    });
});

it('a chain that made blocks faster than any, as a test network that is moved on, is followed at once', async () => {
    let leapt = 0;
    const { client, agree } = world(['one', 'two'], ({ seqno }) => ({ seqno: seqno + leapt }));
    await agree();
    leapt = 600_000;
    expect([await agree(), await agree()]).toEqual(['1', '1']);
    expect(client.health.status().endpoints.map(({ headSeqno }) => headSeqno)).toEqual([601_000, 601_000]);
});

it('an endpoint that lags by the word of two others is not asked for what must be fresh; by the word of one in two, too', async () => {
    for (const hosts of [
        ['behind', 'one', 'two'],
        ['behind', 'one'],
    ]) {
        const { client, agree } = world(hosts, ({ seqno }, host) =>
            host === 'behind' ? { seqno: seqno - 500 } : undefined,
        );
        for (let i = 0; i < 3; i++) await agree();
        const states = client.health.status().endpoints.map(({ state }) => state);
        expect(states.slice(0, 2)).toEqual(['lagging', 'healthy']);
    }
});

it('an endpoint whose backends show an older chain by turns is never believed about it', async () => {
    const { client, read, often } = world(['one'], ({ seqno }, _host, call) =>
        call % 2 === 0 ? { seqno: seqno - 500 } : undefined,
    );
    await read();
    const told = await often(30, read);
    expect(told.filter((one) => one === 'rpc_stale')).toHaveLength(15);
    expect(client.health.status().endpoints[0]!.headSeqno).toBe(1_600);
});

it('an absurd logical time of an account hides it at that endpoint for minutes and not for good', async () => {
    const { read, often } = world(['one'], (_honest, _host, call) => (call === 2 ? { lt: 10n ** 19n } : undefined));
    await read();
    await read();
    const told = await often(10, read);
    expect(told[0]).toBe('rpc_stale');
    expect(told.slice(5)).toEqual(Array(5).fill('1'));
});

describe('an absurd time of the only endpoint', () => {
    const years = 10 * 365 * 86_400;

    it('in one answer is asked about again, and not believed', async () => {
        const { client } = world(['one'], (_honest, _host, call) => (call === 3 ? { shiftSec: years } : undefined));
        expect(await client.getChainTimeSec()).toBe(1_800_000_000);
        expect(await client.getChainTimeSec()).toBe(1_800_000_000);
    });

    it('that it goes on to tell is believed, and passes some minutes after it has', async () => {
        let isWrong = false;
        const { client, often } = world(['one'], () => (isWrong ? { shiftSec: years } : undefined));
        const time = async () => String(await client.getChainTimeSec());
        await time();
        isWrong = true;
        expect(await time()).toBe(String(1_800_000_000 + years));
        isWrong = false;
        const told = await often(10, time);
        expect(told[0]).toBe(String(1_800_000_000 + years));
        expect(told.at(-1)).toBe(String(1_800_000_000 + 600));
    });
});
