import { Address } from '@ton/core';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { EscrowBook, type EscrowAccount, maxReplicas } from '../../../keepers/dispatch';
import { type DispatcherAt, GatewayHubs, type GatewayHubsOptions } from '../../../keepers/gateway/gateway-hubs';
import { bytesOf } from '../confidential/exchange';
import { account, nowMs } from '../dispatch/sealed-request';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0)) await end();
});

const at = (byte: number) => new Address(0, Buffer.alloc(32, byte));
const [home, other] = [at(1), at(2)];
const homeDispatcher: DispatcherAt = { url: 'https://home.example', hub: home };
const otherDispatcher: DispatcherAt = { url: 'https://other.example', hub: other };

/** Hubs whose list, and whose escrows on chain, the test changes as it goes. */
function hubsWith({ configured = [homeDispatcher] }: { configured?: DispatcherAt[] } = {}) {
    const clock = new ManualClock(nowMs);
    const chain: { list: DispatcherAt[] | Error; escrows: Map<string, EscrowAccount | null | Error> } = {
        list: [],
        escrows: new Map(),
    };
    const accountAt: GatewayHubsOptions['accountAt'] = async (hub) => {
        const escrow = bytesOf(`escrow ${hub.hash[0]}`);
        const read = async () => {
            const state = chain.escrows.get(hub.toRawString());
            if (state instanceof Error) throw state;
            return state === undefined ? account({ escrow }) : state;
        };
        return { hub, escrow, book: new EscrowBook({ read, clock }) };
    };
    const listed = async () => {
        if (chain.list instanceof Error) throw chain.list;
        return chain.list;
    };
    const hubs = new GatewayHubs({ configured, listed, accountAt, clock, logger: silentLogger() });
    endings.push(() => hubs.stop());
    const urls = () => hubs.peers.map(({ client }) => client.url);
    const setEscrow = (hub: Address, state: EscrowAccount | null | Error) => {
        chain.escrows.set(hub.toRawString(), state);
        clock.advance(60_000);
    };
    const learn = (...named: string[]) => hubs.learn(hubs.peers[0]!, named);
    return { hubs, chain, urls, learn, setEscrow };
}

describe('the dispatchers that a gateway uses', () => {
    test('are those that the configuration names, in its order, then those that the chain lists', async () => {
        const { hubs, chain, urls } = hubsWith({ configured: [otherDispatcher, homeDispatcher] });
        chain.list = [homeDispatcher, { url: 'https://third.example', hub: at(3) }];
        await hubs.refresh();
        expect(urls()).toEqual(['https://other.example', 'https://home.example', 'https://third.example']);
        expect(hubs.main?.hub.equals(other)).toBe(true);
    });

    test('are sixteen at most, however many are listed', async () => {
        const { hubs, chain, urls } = hubsWith();
        chain.list = Array.from({ length: 40 }, (_, index) => ({ url: `https://${index}.example`, hub: other }));
        await hubs.refresh();
        expect(urls()).toHaveLength(16);
        expect(urls()[0]).toBe('https://home.example');
    });

    test('stay as they were while the list cannot be read', async () => {
        const { hubs, chain, urls } = hubsWith();
        chain.list = [otherDispatcher];
        await hubs.refresh();
        chain.list = new Error('no endpoint answers');
        await hubs.refresh();
        expect(urls()).toEqual(['https://home.example', 'https://other.example']);
    });

    test('are without a hub that the list names no more, whose client stays for the requests that are open there', async () => {
        const { hubs, chain, urls } = hubsWith();
        chain.list = [otherDispatcher];
        await hubs.refresh();
        const client = hubs.dispatchers.get(otherDispatcher.url);
        chain.list = [];
        await hubs.refresh();
        expect(urls()).toEqual(['https://home.example']);
        expect(hubs.dispatchers.get(otherDispatcher.url)).toBe(client);
        expect(hubs.accountAt(other)?.escrow).toEqual(bytesOf('escrow 2'));
        chain.list = [otherDispatcher];
        await hubs.refresh();
        expect(hubs.peers[1]!.client).toBe(client);
    });

    test('are without a listed hub whose escrow closes, and keep one whose escrow cannot be read', async () => {
        const { hubs, chain, urls, setEscrow } = hubsWith();
        chain.list = [otherDispatcher];
        await hubs.refresh();
        setEscrow(other, new Error('no endpoint answers'));
        await hubs.refresh();
        expect(urls()).toContain(otherDispatcher.url);
        setEscrow(other, account({ status: 'closing' }));
        await hubs.refresh();
        expect(urls()).toEqual(['https://home.example']);
    });

    test.each(['', 'other.example', 'https://', 'wss://other.example'])(
        'are without a hub that is listed under %j, until its endpoint is a URL',
        async (url) => {
            const { hubs, chain, urls } = hubsWith();
            const third = { url: 'https://third.example', hub: at(3) };
            chain.list = [{ url, hub: other }, third];
            await hubs.refresh();
            expect(urls()).toEqual([homeDispatcher.url, third.url]);
            chain.list = [otherDispatcher, third];
            await hubs.refresh();
            expect(urls()).toEqual([homeDispatcher.url, otherDispatcher.url, third.url]);
        },
    );

    test('are those of the configuration though no escrow is open there', async () => {
        const { hubs, urls, setEscrow } = hubsWith();
        setEscrow(home, null);
        await hubs.refresh();
        expect(urls()).toEqual(['https://home.example']);
    });
});

describe('replicas that a dispatcher names', () => {
    test('are used at once and after the next look at the chain, for the hub of who named them', async () => {
        const { hubs, urls, learn } = hubsWith();
        await hubs.refresh();
        learn('https://replica.example');
        expect(urls()).toEqual(['https://home.example', 'https://replica.example']);
        await hubs.refresh();
        expect(urls()).toEqual(['https://home.example', 'https://replica.example']);
        expect(hubs.peers[1]!.hub.equals(home)).toBe(true);
        expect(hubs.dispatchers.get('https://replica.example')).toBe(hubs.peers[1]!.client);
    });

    test('are used once, though named again and again, with a slash or without', async () => {
        const { hubs, urls, learn } = hubsWith();
        await hubs.refresh();
        learn('https://replica.example', 'https://replica.example/', 'https://home.example/');
        learn('https://replica.example');
        expect(urls()).toEqual(['https://home.example', 'https://replica.example']);
    });

    test('are not dialled in clear where the dispatcher that names them is not', async () => {
        const { hubs, urls, learn } = hubsWith();
        await hubs.refresh();
        learn('http://replica.example');
        expect(urls()).toEqual(['https://home.example']);
        const clear = hubsWith({ configured: [{ url: 'http://home.example', hub: home }] });
        await clear.hubs.refresh();
        clear.learn('http://replica.example');
        expect(clear.urls()).toEqual(['http://home.example', 'http://replica.example']);
    });

    test('are few for a hub, however many a dispatcher makes up', async () => {
        const { hubs, urls, learn } = hubsWith();
        await hubs.refresh();
        learn(...Array.from({ length: 100 }, (_, index) => `https://${index}.example`));
        expect(urls()).toHaveLength(maxReplicas + 1);
    });

    test.each(['', 'replica.example', 'https://', 'https://exa mple', 'ftp://replica.example'])(
        'under %j are passed over, and the next of the list is used',
        async (bad) => {
            const { hubs, urls, learn } = hubsWith({ configured: [{ url: 'http://home.example', hub: home }] });
            await hubs.refresh();
            learn(bad, 'https://replica.example');
            expect(urls()).toEqual(['http://home.example', 'https://replica.example']);
            await hubs.refresh();
            expect(urls()).toEqual(['http://home.example', 'https://replica.example']);
        },
    );

    test('of a hub that is listed no more are used no more', async () => {
        const { hubs, chain, urls } = hubsWith();
        chain.list = [otherDispatcher];
        await hubs.refresh();
        hubs.learn(hubs.peers[1]!, ['https://replica.example']);
        chain.list = [];
        await hubs.refresh();
        expect(urls()).toEqual(['https://home.example']);
    });
});
