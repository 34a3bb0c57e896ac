import { ChainClient } from '../../../keepers/chain';
import { modelAddress, modelExchange, type ModelFault, type ModelTransaction, nextTransaction } from './model-account';

const history: ModelTransaction[] = [];
for (let i = 1; i <= 70; i++) history.push(nextTransaction(history.at(-1), BigInt(i) * 10n));

/** Looks for transactions from `lts.last` down to `lts.since`, at operators with these faults, the first asked first. */
async function search(faults: readonly ModelFault[], lts: { last: bigint; since: bigint; wanted: bigint }) {
    const hosts = faults.map((_, index) => `host-${index}`);
    const client = new ChainClient({
        endpoints: hosts.map((host) => `http://${host}/`),
        exchange: modelExchange({
            history: () => history,
            fork: () => [],
            seqno: () => 1,
            fault: (host) => faults[hosts.indexOf(host)]!,
        }),
    });
    const { transaction: last } = history.find(({ transaction }) => transaction.lt === lts.last)!;
    const found = client.searchHistory(modelAddress, {
        last: { lt: last.lt, hash: last.hash() },
        matches: ({ lt }) => lt === lts.wanted,
        isBefore: ({ lt }) => lt <= lts.since,
    });
    return found.then(
        ({ match, state }) => match?.lt ?? state,
        (error: { code: string }) => error.code,
    );
}

describe('the search of an account’s history', () => {
    it('finds a transaction over page borders', async () => {
        expect(await search(['none'], { last: 700n, since: 0n, wanted: 20n })).toBe(20n);
    });

    it('leaves out what is newer than the transaction that is believed', async () => {
        expect(await search(['none'], { last: 500n, since: 100n, wanted: 600n })).toBe('whole');
    });

    it('has seen all once it is below what is asked about, or at the account’s first transaction', async () => {
        expect(await search(['none'], { last: 700n, since: 690n, wanted: 100n })).toBe('whole');
        expect(await search(['none'], { last: 700n, since: 0n, wanted: 5n })).toBe('whole');
    });

    it.each<ModelFault>(['error', 'html', 'stale', 'missing', 'reordered', 'duplicated', 'cut', 'fork'])(
        'passes over an endpoint whose fault is: %s',
        async (fault) => {
            expect(await search([fault, 'none'], { last: 700n, since: 0n, wanted: 20n })).toBe(20n);
        },
    );

    it('takes the oldest for gone by the word of two operators, not of one', async () => {
        const lts = { last: 700n, since: 0n, wanted: 20n };
        expect(await search(['cut', 'cut', 'error'], lts)).toBe('gone');
        expect(await search(['cut', 'cut', 'none'], lts)).toBe(20n);
        expect(await search(['cut', 'error'], lts)).toBe('lagging');
        expect(await search(['cut', 'none'], lts)).toBe(20n);
        expect(await search(['cut'], lts)).toBe('gone');
    });

    it('knows nothing where nobody shows the transaction that is believed', async () => {
        expect(await search(['fork', 'error'], { last: 700n, since: 0n, wanted: 20n })).toBe('rpc_unavailable');
    });
});
