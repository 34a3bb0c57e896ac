import type { MarketNode } from '../../../../keepers/cli/provider/market';
import { marketReasons, ownReasons } from '../../../../keepers/cli/provider/idle-reasons';
import type { NodeStatus } from '../../../../keepers/node';

const prices = { inputNano: 4n, cachedInputNano: 1n, outputNano: 16n, reasoningNano: 16n };

function listed(nodeKey: string, changes: Partial<MarketNode['load']> & { outputNano?: bigint } = {}): MarketNode {
    const { outputNano = 16n, ...load } = changes;
    const models = [{ ...prices, outputNano: outputNano * 1_000_000n, model: 'toy' }];
    return {
        nodeKey,
        offer: { models },
        load: { inFlight: 0, queued: 0, maxConcurrency: 4, failureShare: 0, ...load },
    } as unknown as MarketNode;
}

function codes(own: MarketNode | undefined, ...others: MarketNode[]): string[] {
    return marketReasons(own, own === undefined ? others : [own, ...others]).map(({ code }) => code);
}

describe('by the directory, a node without work', () => {
    test('is not listed', () => {
        const [reason] = marketReasons(undefined, [listed('b')]);
        expect(reason).toMatchObject({ code: 'not_listed', down: true });
    });

    test('has no demand where nobody asks anybody', () => {
        expect(codes(listed('a'), listed('b'))).toEqual(['no_demand']);
    });

    test('is passed over where others have requests', () => {
        expect(codes(listed('a'), listed('b', { inFlight: 2 }))).toEqual(['demand_elsewhere']);
    });

    test('asks more than everybody else', () => {
        const dear = listed('a', { outputNano: 17n });
        expect(codes(dear, listed('b'), listed('c', { outputNano: 3n }))).toEqual(['no_demand', 'dear']);
    });

    test('is not dear at the highest price of another, nor when it is alone', () => {
        expect(codes(listed('a'), listed('b'))).not.toContain('dear');
        expect(codes(listed('a', { outputNano: 99n }))).toEqual(['no_demand']);
    });

    test('fails too often', () => {
        expect(codes(listed('a', { failureShare: 0.21, inFlight: 1 }))).toEqual(['failing']);
        expect(codes(listed('a', { failureShare: 0.2, inFlight: 1 }))).toEqual([]);
    });

    test('is full', () => {
        expect(codes(listed('a', { inFlight: 4, queued: 9 }))).toEqual(['full']);
        expect(codes(listed('a', { inFlight: 3 }))).toEqual([]);
    });
});

function status(changes: Partial<NodeStatus> = {}): NodeStatus {
    return {
        version: 1,
        pid: 1,
        phase: 'serving',
        failure: null,
        startedAtMs: 0,
        updatedAtMs: 0,
        nodeKey: 'aa',
        keyNotAfterSec: 1,
        dispatcher: { url: 'http://d', connected: true, problem: null },
        dispatchers: [],
        engine: { ok: true, detail: '', models: [] },
        offer: null,
        requests: { inFlight: 0, answered: 0, refused: {}, lastAtMs: null },
        ...changes,
    };
}

describe('by its own account, a node without work', () => {
    test('has none to tell when all is well', () => {
        expect(ownReasons(status())).toEqual([]);
    });

    test('is not connected, and says what the dispatcher said', () => {
        const problem = 'closed with 1008 the hub has not admitted this key';
        const [reason] = ownReasons(status({ dispatcher: { url: 'http://d', connected: false, problem } }));
        expect(reason).toMatchObject({ code: 'not_connected', down: true });
        expect(reason!.detail).toContain(problem);
    });

    test('is connected to some of its dispatchers alone, which a replica under two URLs is not', () => {
        const at = (url: string, problem: string) => ({ url, hub: '', connected: false, problem });
        const dispatchers = [at('http://b', 'refused'), at('http://c', 'connected to this replica already')];
        const [reason, ...others] = ownReasons(status({ dispatchers }));
        expect(reason).toMatchObject({ code: 'not_connected', down: false });
        expect([reason!.detail, others]).toEqual(['no connection to http://b (refused)', []]);
    });

    test('has an engine that is down', () => {
        const [reason] = ownReasons(status({ engine: { ok: false, detail: 'refused', models: [] } }));
        expect(reason).toMatchObject({ code: 'engine_down', down: true });
    });

    test('refuses more than it answers, with what to do about the commonest refusal', () => {
        const requests = {
            inFlight: 0,
            answered: 2,
            refused: { offer_unknown: 1, credit_line_reached: 2 },
            lastAtMs: 1,
        };
        const [reason] = ownReasons(status({ requests }));
        expect(reason).toMatchObject({ code: 'refusing', down: false });
        expect(reason!.next).toMatch(/creditLineNano/);
        expect(ownReasons(status({ requests: { ...requests, answered: 3 } }))).toEqual([]);
    });
});
