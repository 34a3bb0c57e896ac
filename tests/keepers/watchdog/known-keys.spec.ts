import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Address, type Transaction } from '@ton/core';
import { createLogger, systemClock } from '../../../keepers/base';
import { type ChainClient, ChainError, type Cursor } from '../../../keepers/chain';
import { KeyHistoryFile, type KeyHistoryStore } from '../../../keepers/watchdog';
import { KnownKeys } from '../../../keepers/watchdog/known-keys';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();
const [hub, other, owner] = [1, 2, 3].map((byte) => new Address(0, Buffer.alloc(32, byte))) as [
    Address,
    Address,
    Address,
];
const nodeKey = Buffer.alloc(32, 7);
const logger = createLogger({ name: 'test', level: 'silent' });
const newest = { lt: 900n, hash: () => Buffer.alloc(32, 9) } as unknown as Transaction;
const daySec = 86_400;

/** A hub of which endpoints answer so; what was asked is kept. */
function hubThat(answer: () => Promise<Transaction[]>) {
    const asked: Cursor[] = [];
    const confirmedSince: ChainClient['confirmedSince'] = (_hub, { cursor }) => {
        asked.push(cursor);
        return answer();
    };
    const client = { confirmedSince, getTransactions: async () => [newest] } as unknown as ChainClient;
    return { client, asked };
}

const known = (client: ChainClient, store?: KeyHistoryStore) =>
    new KnownKeys({ client, hub, store, clock: systemClock, logger });
const fileOf = (name: string, of = hub) => new KeyHistoryFile({ file: path.join(folder, name), hub: of, logger });

describe('the keys that a watchdog knows', () => {
    it('go on from the newest transaction where the hub has more history than is looked through, asked for once', async () => {
        const tooMany = new ChainError('history_gap', 'more than can be read', { context: { tooMany: true } });
        const { client, asked } = hubThat(() => (asked.length === 1 ? Promise.reject(tooMany) : Promise.resolve([])));
        const keys = known(client);
        await keys.follow();
        await keys.follow();
        expect(asked).toMatchObject([{ lt: 0n }, { lt: newest.lt, hash: newest.hash() }]);
    });

    it('wait for endpoints that can not be reached instead of passing anything over', async () => {
        const down = new ChainError('rpc_unavailable', 'no endpoint answers');
        const { client, asked } = hubThat(() => Promise.reject(down));
        const keys = known(client);
        await expect(keys.follow()).rejects.toBe(down);
        await expect(keys.follow()).rejects.toBe(down);
        expect(asked).toMatchObject([{ lt: 0n }, { lt: 0n }]);
    });

    it('keep the owner of one that the hub has forgotten, over a restart, for as long as evidence can count', async () => {
        const { client } = hubThat(async () => []);
        const nowSec = Math.floor(Date.now() / 1000);
        for (const [name, goneSinceSec, kept] of [
            ['lately', nowSec - daySec, owner],
            ['long ago', nowSec - 60 * daySec, undefined],
        ] as const) {
            const before = known(client, fileOf(name));
            await before.follow();
            before.add(nodeKey, owner);
            before.gone(nodeKey, goneSinceSec);
            before.save();
            const after = known(client, fileOf(name));
            await after.follow();
            expect(after.ownerOf(nodeKey)?.toRawString()).toBe(kept?.toRawString());
        }
    });

    it('are looked up on chain again where the file is damaged, or another hub’s', async () => {
        fileOf('damaged').save({ cursor: { lt: 5n, hash: null }, keys: [{ nodeKey, owner, goneSinceSec: null }] });
        expect(fileOf('damaged').load()).toMatchObject({ cursor: { lt: 5n, hash: null }, keys: [{ nodeKey }] });
        expect(fileOf('damaged', other).load()).toBeNull();
        writeFileSync(path.join(folder, 'damaged'), '{"version":1,"keys":[{');
        expect(fileOf('damaged').load()).toBeNull();
        expect(fileOf('missing').load()).toBeNull();
    });

    it('are looked at without their file where its folder can not be written', () => {
        const unwritable = path.join(folder, 'damaged', 'below-a-file.json');
        const file = new KeyHistoryFile({ file: unwritable, hub, logger });
        expect(() => file.save({ cursor: { lt: 1n, hash: null }, keys: [] })).not.toThrow();
    });
});
