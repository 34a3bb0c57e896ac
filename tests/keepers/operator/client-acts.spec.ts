import { toNano } from '@ton/core';
import {
    closeEscrow,
    deployNetwork,
    openEscrow,
    runAct,
    setSession,
    showEscrow,
    topUp,
    withdraw,
} from '../../../keepers/operator';
import { createOperatorChain, madeOnce, TestConsole } from './operator-chain';

const sessionKey = Buffer.alloc(32, 3);
const rootPublicKey = Buffer.alloc(64, 1);

const start = madeOnce(async () => {
    const chain = await createOperatorChain();
    const operator = await chain.actor('operator');
    const hubs = [{ closeDelaySec: 120, maxFeeBps: 1000, initialFeeBps: 250 }];
    const spec = { kind: 'development' as const, rootPublicKey, governanceDelaySec: 0, hubs };
    await deployNetwork(operator, spec, { console: new TestConsole(), assumeYes: true, clock: chain.clock });
    return { chain, client: await chain.actor('client') };
});

describe('acts of a client', () => {
    let world: Awaited<ReturnType<typeof start>>;
    beforeEach(async () => {
        world = await start();
    });

    it('open, top up, close and withdraw, each once however often it is asked', async () => {
        const { chain, client } = world;
        const twice = async <Result>(plan: () => ReturnType<typeof closeEscrow> | Promise<never>) => {
            const first = await chain.run(client, plan());
            const sent = client.sender.sent.length;
            const second = await chain.run(client, plan());
            expect(client.sender.sent).toHaveLength(sent);
            return { first: first.result as Result, second: second.result as Result };
        };
        type View = { phase: string; balanceNano: bigint };
        const opened = await twice<View>(() => openEscrow(client, { sessionKey, depositNano: toNano('5') }));
        expect(opened.first.phase).toBe('open');
        expect(opened.first.balanceNano).toBeGreaterThanOrEqual(toNano('5'));
        expect(opened.second.balanceNano).toBe(opened.first.balanceNano);

        const topped = await twice<View>(() => topUp(client, { balanceNano: toNano('7') }));
        expect(topped.second.balanceNano).toBe(toNano('7'));
        expect((await twice<View>(() => closeEscrow(client, {}))).first.phase).toBe('closing');
        await expect(withdraw(client, {})).rejects.toMatchObject({ code: 'not_ready', action: 'retry' });

        chain.advance(121);
        const before = await chain.balance(client.sender.address);
        const { first, second } = await twice<{ withdrawnNano: bigint }>(() => withdraw(client, {}));
        expect(first.withdrawnNano).toBe(toNano('7'));
        expect(second.withdrawnNano).toBe(0n);
        const gained = (await chain.balance(client.sender.address)) - before;
        expect(gained).toBeGreaterThan(toNano('6.98'));
        expect(gained).toBeLessThanOrEqual(toNano('7'));
    });

    it('sends nothing in a dry run, and nothing after a "no"', async () => {
        const { chain, client } = world;
        const plan = await openEscrow(client, { sessionKey, depositNano: '5000000000' });
        const { result, lines } = await chain.run(client, Promise.resolve(plan), true);
        expect(result).toBeNull();
        expect(lines.some((line) => line.includes('send 5.15 TON'))).toBe(true);
        expect(lines.at(-1)).toContain('nothing was sent');
        const reluctant = new TestConsole(false);
        expect(await runAct(plan, { console: reluctant, sender: client.sender, clock: chain.clock })).toBeNull();
        expect(reluctant.questions).toEqual(['Send 1 message(s)?']);
        expect(client.sender.sent).toHaveLength(0);
    });

    it('changes the session key once, and refuses to open under another one', async () => {
        const { chain, client } = world;
        await chain.run(client, openEscrow(client, { sessionKey, depositNano: toNano('1') }));
        const otherKey = Buffer.alloc(32, 4);
        await expect(openEscrow(client, { sessionKey: otherKey, depositNano: toNano('1') })).rejects.toThrow(
            'set-session',
        );
        await chain.run(client, setSession(client, { sessionKey: otherKey, sessionLifeSec: 3600 }));
        chain.advance(30);
        const again = await setSession(client, { sessionKey: otherKey.toString('hex'), sessionLifeSec: '3600' });
        expect(again.messages).toEqual([]);
        const { result } = await chain.run(client, showEscrow(client, {}));
        expect(result!.sessionKey).toEqual(otherKey);
    });

    it('says when a sent message does not bring its result about', async () => {
        const { chain, client } = world;
        client.sender.lose = true;
        const opening = chain.run(client, openEscrow(client, { sessionKey, depositNano: toNano('1') }));
        await expect(opening).rejects.toMatchObject({ code: 'result_not_seen', action: 'retry' });
    });

    it('names what is wrong with its arguments', async () => {
        const { client } = world;
        const wrong = { sessionKey: 'abc', depositNano: 0n, index: 2 ** 32, hub: 'nowhere' };
        await expect(openEscrow(client, wrong)).rejects.toMatchObject({
            code: 'argument_invalid',
            message: expect.stringMatching(/hub: .*index: .*sessionKey: .*depositNano: /) as string,
        });
        await expect(topUp(client, { balanceNano: '1.5' })).rejects.toThrow('whole nanoTON');
        await expect(closeEscrow(client, { index: 9 })).rejects.toThrow('run open-escrow first');
    });
});
