import path from 'node:path';
import { Address, toNano } from '@ton/core';
import { systemClock } from '../../../keepers/base';
import { type ChainClient, ChainWallet, transactionsSince, walletKeyFromSeed } from '../../../keepers/chain';
import { abandonedAfterMs, openOutboxFile, type Outbox } from '../../../keepers/ledger';
import { type Intent, OutboxSender, type StateOf } from '../../../keepers/outbox';
import { seedOf, useDevnet } from '../chain/devnet-fixture';
import { temporaryFolder } from '../ledger/temporary-folder';

const fixture = useDevnet();
const folder = temporaryFolder();
const opened: (() => Promise<void>)[] = [];

afterAll(() => Promise.all(opened.map((close) => close())));

function openOutbox(name: string): Outbox {
    const { outbox, close } = openOutboxFile({ file: path.join(folder, `${name}.sqlite`) });
    opened.push(close);
    return outbox;
}

async function openSender(outbox: Outbox, name: string, client: ChainClient = fixture.client): Promise<OutboxSender> {
    const wallet = new ChainWallet({
        client,
        key: walletKeyFromSeed(seedOf(name)),
        journal: outbox,
        pollIntervalMs: 5,
        lifeSec: 60,
    });
    await fixture.devnet.chain.payFromFaucet(wallet.address, toNano('10'));
    return new OutboxSender({ outbox, wallet });
}

const receiverOf = (name: string) => new Address(0, seedOf(`receiver of ${name}`));
const paidTo = async (name: string) =>
    (await transactionsSince(fixture.client, receiverOf(name), { fromLt: 0n })).length;
const isPaid =
    (name: string): StateOf =>
    async () =>
        (await paidTo(name)) > 0 ? 'done' : 'undone';

function payment(name: string, limits: Partial<Intent> = {}) {
    const intent: Intent = { kind: 'pay', key: name, payload: '{}', ...limits };
    const messages = [{ to: receiverOf(name), value: toNano('1'), bounce: false }];
    return { intents: [intent], messages, stateOf: isPaid(name), timeoutMs: 5_000 };
}

/** What the wallet hands over goes to `act` in place of the chain. */
function sending(act: (boc: Buffer) => Promise<void>): ChainClient {
    return Object.assign(Object.create(fixture.client) as ChainClient, { sendBoc: act });
}

const untilHeld = async (held: readonly Buffer[]) => {
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('an intent', () => {
    it('is not signed while it should cost more than it may, and is once prices allow', async () => {
        const outbox = openOutbox('dear');
        const sender = await openSender(outbox, 'dear');
        let feeNano = 8n;
        const request = { ...payment('dear', { maxFeeNano: 7n }), estimatedFeeNano: async () => feeNano };
        const refused = await sender.send(request);
        expect(refused).toMatchObject({ error: { code: 'fee_above_ceiling' }, outcomes: ['abandoned'], result: null });
        const dayAgoMs = Date.now() - 86_400_000;
        const closed = await outbox.closed('pay', { state: 'abandoned', sinceMs: dayAgoMs });
        expect(closed).toMatchObject([{ errorCode: 'fee_above_ceiling', maxFeeNano: 7n, attempts: 0 }]);
        expect(await outbox.spentNano(sender.wallet.address.toRawString(), dayAgoMs)).toBe(0n);
        feeNano = 7n;
        expect(await sender.send(request)).toMatchObject({ error: null, outcomes: ['confirmed'] });
        expect(await paidTo('dear')).toBe(1);
    });

    it('is not signed again at a price that rose above its ceiling while its first message was lost', async () => {
        const held: Buffer[] = [];
        const sender = await openSender(
            openOutbox('rising'),
            'rising',
            sending(async (boc) => void held.push(boc)),
        );
        let feeNano = 7n;
        const request = { ...payment('rising', { maxFeeNano: 7n }), estimatedFeeNano: async () => feeNano };
        const sent = sender.send(request);
        await untilHeld(held);
        feeNano = 8n;
        await fixture.devnet.chain.warp(100);
        expect(await sent).toMatchObject({ error: { code: 'fee_above_ceiling' }, outcomes: ['abandoned'] });
        expect(await paidTo('rising')).toBe(0);
    });

    it('that came too late is not signed', async () => {
        const sender = await openSender(openOutbox('late'), 'late');
        const notAfterSec = (await fixture.client.getChainTimeSec()) - 1;
        const { error, outcomes } = await sender.send(payment('late', { notAfterSec }));
        expect({ error, outcomes }).toMatchObject({ error: { code: 'send_outdated' }, outcomes: ['abandoned'] });
        expect(await paidTo('late')).toBe(0);
    });

    it('is not executed after its time, even by an endpoint that held its message back', async () => {
        const held: Buffer[] = [];
        const sender = await openSender(
            openOutbox('held'),
            'held',
            sending(async (boc) => void held.push(boc)),
        );
        const notAfterSec = (await fixture.client.getChainTimeSec()) + 20;
        const sent = sender.send(payment('held', { notAfterSec }));
        await untilHeld(held);
        // Within the sixty seconds that a request otherwise lives.
        await fixture.devnet.chain.warp(45);
        await fixture.client.sendBoc(held[0]!).catch(() => undefined);
        expect(await sent).toMatchObject({ error: { code: 'send_outdated' }, outcomes: ['abandoned'] });
        expect(await paidTo('held')).toBe(0);
    });

    it('of a wallet that is gone for good is free for another keeper of the outbox once its message has run out', async () => {
        const outbox = openOutbox('inherited');
        const held: Buffer[] = [];
        const gone = await openSender(
            outbox,
            'gone',
            sending(async (boc) => void held.push(boc)),
        );
        const given = await gone.send({ ...payment('inherited'), timeoutMs: 50 });
        expect(given).toMatchObject({ error: { code: 'not_confirmed' }, outcomes: ['open'] });
        const heir = await openSender(outbox, 'heir');
        const later = { ...systemClock, nowMs: () => Date.now() + abandonedAfterMs + 1_000 };
        const patient = new OutboxSender({ outbox, wallet: heir.wallet, clock: later });
        await patient.reconcile('pay', isPaid('inherited'));
        expect(await outbox.open('pay')).toMatchObject([{ sendFate: 'open' }]);
        expect(await patient.send(payment('inherited'))).toMatchObject({ error: { code: 'intent_under_way' } });
        await fixture.devnet.chain.warp(100);
        await patient.reconcile('pay', isPaid('inherited'));
        expect(await outbox.open('pay')).toEqual([]);
        expect(await patient.send(payment('inherited'))).toMatchObject({ error: null, outcomes: ['confirmed'] });
        await fixture.client.sendBoc(held[0]!).catch(() => undefined);
        expect(await paidTo('inherited')).toBe(1);
    });
});
