import { Address, toNano } from '@ton/core';
import { ChainClient, type ChainClientOptions, ChainError } from '../../../keepers/chain';
import { type RunningDevnetChain, startDevnetChain } from '../../../keepers/devnet/chain';
import { type Fault, FaultyRpc, lies } from '../../support/faulty-rpc';

let devnet: RunningDevnetChain;
let liar: FaultyRpc;
let payments = 0;

const account = new Address(0, Buffer.alloc(32, 0x21));

beforeAll(async () => {
    devnet = await startDevnetChain({ seed: 'agreement', v4Port: 0 });
    liar = await FaultyRpc.start({ upstream: devnet.url });
    await pay();
});

afterAll(async () => {
    await liar.close();
    await devnet.close();
});

beforeEach(() => liar.heal());

const pay = () => devnet.chain.payFromFaucet(account, toNano('1')).then(() => (payments += 1));

function clientOf(endpoints: ChainClientOptions['endpoints'], options: Partial<ChainClientOptions> = {}): ChainClient {
    return new ChainClient({ endpoints, firstDelayMs: 1, maxDelayMs: 2, timeoutMs: 400, ...options });
}

const honestV4 = () => ({ url: devnet.endpointV4, kind: 'v4' as const });
const lyingV4 = () => ({ url: liar.endpointV4, kind: 'v4' as const });
/** In whole TON: rent takes a little. */
const balanceOf = (client: ChainClient, fold?: (tons: readonly number[]) => number) =>
    client.agree(async (view) => inTon(await view.getBalanceNano(account)), { fold });
const inTon = (nano: bigint) => Math.round(Number(nano) / 1e9);
const stateOf = (client: ChainClient, origin: string) =>
    client.health.status().endpoints.find((endpoint) => endpoint.origin === new URL(origin).host)!;

describe('two endpoints of two kinds', () => {
    it('agree about accounts, get methods and time, also while the chain moves on', async () => {
        const client = clientOf([devnet.endpoint, honestV4()]);
        expect(client.health.status()).toMatchObject({ agreement: 'checked', operators: 2, mode: 'normal' });
        for (let i = 0; i < 5; i++) {
            const [balance] = await Promise.all([balanceOf(client), pay()]);
            expect([payments, payments - 1]).toContain(balance);
            expect(await balanceOf(client)).toBe(payments);
        }
        const wallet = devnet.chain.faucet.address;
        expect(await client.agree(async (view) => (await view.runGetMethod(wallet, 'seqno')).stack.readNumber())).toBe(
            payments,
        );
        expect(await client.getChainTimeSec()).toBeGreaterThan(1_700_000_000);
    });

    it('agree that an account has no code, and on an exit code', async () => {
        const client = clientOf([devnet.endpoint, honestV4()]);
        const nothing = client.agree((view) => view.runGetMethod(account, 'seqno'));
        await expect(nothing).rejects.toMatchObject({ code: 'account_inactive' });
        const wallet = devnet.chain.faucet.address;
        const failing = client.agree((view) => view.runGetMethod(wallet, 'no_such_method'));
        await expect(failing).rejects.toMatchObject({ code: 'get_method_failed' });
    });

    it('show one account of one block to a view that reads it twice', async () => {
        const client = clientOf([honestV4(), devnet.endpoint]);
        const [before, after, one] = await client.agree(async (view) => {
            const first = await view.getBalanceNano(account);
            await pay();
            return [first, await view.getBalanceNano(account), view.isOfOneBlock];
        });
        expect([after, one]).toEqual([before, true]);
    });
});

describe('one endpoint that lies', () => {
    it.each<[string, () => ChainClientOptions['endpoints']]>([
        ['v2', () => [liar.endpoint, honestV4()]],
        ['v4', () => [devnet.endpoint, lyingV4()]],
    ])('about a balance is not believed: %s', async (_kind, endpoints) => {
        const client = clientOf(endpoints());
        liar.fail(() => 'other-value');
        await expect(balanceOf(client)).rejects.toMatchObject({ code: 'rpc_disagreement', action: 'retry' });
        expect(client.health.status()).toMatchObject({ mode: 'degraded', reasons: ['disagreement'] });
        expect(await balanceOf(client, (tons) => Math.min(...tons))).toBe(payments);
    });

    it.each(['unknown-schema', 'status-500', 'html', 'truncated', 'silence', 'reset'] as Fault[])(
        'or answers with %s leaves nobody to agree with',
        async (fault) => {
            const client = clientOf([liar.endpoint, honestV4()], { deadlineMs: 1_000 });
            liar.fail(() => fault);
            await expect(balanceOf(client)).rejects.toMatchObject({ code: 'agreement_unavailable' });
            expect(inTon(await client.getBalanceNano(account))).toBe(payments);
        },
    );

    it.each([...lies])('by %s is outvoted by two others', async (fault) => {
        const second = await FaultyRpc.start({ upstream: devnet.url });
        const client = clientOf([liar.endpoint, honestV4(), second.endpoint]);
        try {
            await balanceOf(client);
            await pay();
            liar.fail(() => fault);
            expect(await balanceOf(client)).toBe(payments);
            if (fault === 'other-value') expect(stateOf(client, liar.url).state).toBe('disagreeing');
        } finally {
            await second.close();
        }
    });

    it('about the time moves nothing: it neither sets it forward nor back', async () => {
        const client = clientOf([liar.endpoint, honestV4()], { deadlineMs: 1_000 });
        const before = await client.getChainTimeSec();
        liar.fail(() => 'silence');
        expect(await client.getChainTimeSec()).toBeGreaterThanOrEqual(before);
        await devnet.chain.warp(100_000);
        await expect(client.getChainTimeSec()).rejects.toMatchObject({ code: 'agreement_unavailable' });
        liar.heal();
        expect(await client.getChainTimeSec()).toBeGreaterThanOrEqual(before + 100_000);
    });

    it('by an old account is asked again, and passed over', async () => {
        const client = clientOf([liar.endpoint, honestV4()]);
        await client.getBalanceNano(account);
        await pay();
        expect(inTon(await client.getBalanceNano(account))).toBe(payments);
        liar.fail(() => 'stale');
        expect(inTon(await client.getBalanceNano(account))).toBe(payments);
        expect(stateOf(client, liar.url).stale).toBeGreaterThan(0);
    });
});

describe('a page of transactions', () => {
    it.each<[Fault, string]>([
        ['missing', 'rpc_inconsistent'],
        ['reordered', 'rpc_inconsistent'],
        ['duplicated', 'rpc_inconsistent'],
        ['wrong-hash', 'rpc_inconsistent'],
        ['unknown-constructor', 'rpc_malformed'],
        ['unknown-schema', 'rpc_malformed'],
    ])('with %s is refused by both APIs', async (fault, code) => {
        while (payments < 5) await pay();
        for (const endpoint of [liar.endpoint, lyingV4()]) {
            const client = clientOf([endpoint], { attempts: 1 });
            const from = (await client.getTransactions(account, { limit: 1 }))[0]!;
            liar.fail(({ method }) => (method === 'getTransactions' || method === 'v4:tx' ? fault : null));
            const before = { lt: from.lt, hash: from.hash() };
            // TonClient4's API names no hash that could be wrong.
            if (fault === 'wrong-hash' && endpoint !== liar.endpoint) continue;
            const page = client.getTransactions(account, { limit: 4, before });
            // What was asked for by its hash and is something else can't be the upgrade of it.
            const isOther = fault === 'unknown-constructor' && endpoint !== liar.endpoint;
            await expect(page).rejects.toMatchObject({ code: isOther ? 'rpc_inconsistent' : code });
            liar.heal();
        }
    });

    it('is the same from both, with and without a place to begin', async () => {
        const [v2, v4] = [clientOf([devnet.endpoint]), clientOf([honestV4()])];
        const hashes = async (client: ChainClient, limit: number, at?: number) => {
            const all = await client.getTransactions(account, { limit: 50 });
            const before = at === undefined ? undefined : { lt: all[at]!.lt, hash: all[at]!.hash() };
            return (await client.getTransactions(account, { limit, before })).map((one) => one.hash().toString('hex'));
        };
        expect(await hashes(v4, 50)).toEqual(await hashes(v2, 50));
        expect(await hashes(v4, 3, 1)).toEqual(await hashes(v2, 3, 1));
        expect(await hashes(v4, 2)).toHaveLength(2);
    });
});

it('a body without end and one byte at a time are given up on', async () => {
    for (const fault of ['huge-body', 'slow-loris'] as Fault[]) {
        liar.fail(() => fault);
        const client = clientOf([liar.endpoint], { attempts: 1, timeoutMs: 2_000 });
        const read = client.getBalanceNano(account);
        await expect(read).rejects.toThrow(ChainError);
        await expect(read).rejects.toMatchObject({ code: 'rpc_unavailable' });
    }
});
