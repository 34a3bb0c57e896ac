import { beginCell, Cell } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { loadRegistryChanged, storeRegistryChanged } from '../../build/Registry/Registry_Registry';
import { followChangeLog, isRegistryChanged, StatementError } from '../../wrappers';
import { createRegistry, day, RegistryEnvironment } from './support/registry-environment';

const id = (byte: number) => Buffer.alloc(32, byte);
const bodiesOf = (results: SendMessageResult[]) =>
    results.flatMap(({ externals }) => externals.map(({ body }) => body));

let env: RegistryEnvironment;
let bodies: Cell[];

beforeEach(async () => {
    env = await createRegistry({ isBare: true });
    bodies = bodiesOf([
        (await env.propose({ kind: 'allowPlatform', platformId: id(9) })).result,
        await env.govern({ kind: 'allowImage', imageId: id(1), imageKind: 'sev-snp', name: 'image' }),
        await env.registry.sendRevokeImage(env.guardian.getSender(), { imageId: id(1) }),
        await env.setParameters({ maxKeyLifeSec: day }),
        await env.govern({ kind: 'allowHubCode', codeHash: id(2), codeDepth: 7, name: 'hub' }),
        await env.registry.sendRevokeHubCode(env.owner.getSender(), { codeHash: id(2) }),
    ]);
});

afterEach(() => {
    expect(env.money.leak()).toBe(0n);
});

async function expectBroken(changed: Cell[]) {
    const head = await env.registry.getState();
    expect(() => followChangeLog(changed, { head })).toThrow(StatementError);
}

describe('a client that follows the change log', () => {
    it('learns every change from the events alone, and ends where the registry is', async () => {
        const head = await env.registry.getState();
        const changes = followChangeLog(bodies, { head });
        expect(changes.map(({ version, change }) => `${version} ${change.kind}`)).toEqual([
            '1 allowImage',
            '2 revokeImage',
            '3 setParameters',
            '4 allowHubCode',
            '5 revokeHubCode',
        ]);
        expect(changes[0]!.change).toMatchObject({ imageKind: 'sev-snp', name: 'image' });
        expect(changes.at(-1)).toMatchObject({ logHash: head.logHash });
    });

    it('takes up where it left off, whatever of the old events it is shown again', async () => {
        const before = await env.registry.getState();
        const result = await env.govern({ kind: 'allowModel', modelRoot: id(3), name: 'model' });
        const head = await env.registry.getState();
        const more = followChangeLog([...bodies, ...bodiesOf([result])], { from: before, head });
        expect(more.map(({ change }) => change.kind)).toEqual(['allowModel']);
        expect(followChangeLog([], { from: head, head })).toEqual([]);
    });

    it('notices an event left out, in the middle or at the end', async () => {
        const logged = bodies.filter(isRegistryChanged);
        for (let left = 0; left < logged.length; left += 1) {
            await expectBroken(logged.filter((_, index) => index !== left));
        }
    });

    it('notices an event changed, doubled up in another order, or made up', async () => {
        const logged = bodies.filter(isRegistryChanged);
        const event = loadRegistryChanged(logged[0]!.beginParse());
        const forge = (changes: Partial<typeof event>) =>
            beginCell()
                .store(storeRegistryChanged({ ...event, ...changes }))
                .endCell();
        await expectBroken([forge({ changedAt: event.changedAt + 1n }), ...logged.slice(1)]);
        await expectBroken([
            forge({ action: loadRegistryChanged(logged[1]!.beginParse()).action }),
            ...logged.slice(1),
        ]);
        await expectBroken([forge({ logHash: event.logHash ^ 1n }), ...logged.slice(1)]);
        await expectBroken([...logged].reverse());
        await expectBroken([...logged, forge({ version: 6n })]);
    });
});
