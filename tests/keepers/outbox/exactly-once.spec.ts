import path from 'node:path';
import { Address, toNano } from '@ton/core';
import {
    ChainClient,
    ChainWallet,
    transactionsSince,
    walletKeyFromSeed,
    type WalletKind,
} from '../../../keepers/chain';
import { httpExchange } from '../../../keepers/chain/endpoints/http-exchange';
import { openOutboxFile } from '../../../keepers/ledger';
import { OutboxSender, type StateOf } from '../../../keepers/outbox';
import { seedOf, useDevnet } from '../chain/devnet-fixture';
import { temporaryFolder } from '../ledger/temporary-folder';
import { Crash, CrashPlan, crashingClient, crashingJournal } from './crash-points';

const fixture = useDevnet();
const folder = temporaryFolder();
const kinds: WalletKind[] = ['v5r1', 'highload-v3'];

interface Scene {
    name: string;
    kind: WalletKind;
    /** What must get one TON, once. */
    receiver: Address;
}

async function sceneOf(name: string, kind: WalletKind): Promise<Scene> {
    const { client, devnet } = fixture;
    const { address } = new ChainWallet({ client, key: walletKeyFromSeed(seedOf(name)), kind });
    await devnet.chain.payFromFaucet(address, toNano('10'));
    return { name, kind, receiver: new Address(0, seedOf(`receiver of ${name}`)) };
}

/** A keeper's life: closes what it left open, and pays if the chain does not show it paid. A message that no contract makes idempotent. */
async function live(scene: Scene, client: ChainClient, plan?: CrashPlan): Promise<void> {
    const file = openOutboxFile({ file: path.join(folder, `${scene.name.replaceAll(' ', '-')}.sqlite`) });
    const outbox = plan ? crashingJournal(file.outbox, plan) : file.outbox;
    const chain = plan ? crashingClient(client, plan) : client;
    const key = walletKeyFromSeed(seedOf(scene.name));
    const wallet = new ChainWallet({ client: chain, key, kind: scene.kind, journal: outbox, pollIntervalMs: 5 });
    const sender = new OutboxSender({ outbox, wallet });
    const stateOf: StateOf = async () => ((await isPaid(scene)) ? 'done' : 'undone');
    try {
        await sender.reconcile('pay', stateOf);
        if ((await isPaid(scene)) || (await outbox.open('pay')).length > 0) return;
        const messages = [{ to: scene.receiver, value: toNano('1'), bounce: false }];
        const intents = [{ kind: 'pay', key: scene.receiver.toRawString(), payload: '{}' }];
        const { error } = await sender.send({ intents, messages, stateOf, timeoutMs: 2_500 });
        if (error instanceof Crash) throw error;
    } finally {
        await file.close();
    }
}

async function isPaid({ receiver }: Scene): Promise<boolean> {
    return (await fixture.client.getBalanceNano(receiver)) > 0n;
}

/** Until it is done and nothing is open; time passes between lives. */
async function liveUntilPaid(scene: Scene, client: ChainClient = fixture.client): Promise<void> {
    for (let life = 0; life < 4; life++) {
        await live(scene, client);
        if (await isPaid(scene)) return live(scene, client);
        await fixture.devnet.chain.warp(100);
    }
    throw new Error('not paid after four lives');
}

async function expectPaidOnce(scene: Scene): Promise<void> {
    const payments = await transactionsSince(fixture.client, scene.receiver, { fromLt: 0n });
    expect(payments).toHaveLength(1);
    const { outbox, close } = openOutboxFile({
        file: path.join(folder, `${scene.name.replaceAll(' ', '-')}.sqlite`),
    });
    expect(await outbox.open('pay')).toEqual([]);
    await close();
}

describe.each(kinds)('a keeper with a %s wallet', (kind) => {
    it('pays once, after whichever step it is ended', async () => {
        for (let at = 0; ; at++) {
            const scene = await sceneOf(`${kind} ${at}`, kind);
            const plan = new CrashPlan(at);
            await live(scene, fixture.client, plan).catch((error: unknown) => {
                if (!plan.hasCrashed) throw error;
            });
            await liveUntilPaid(scene);
            await expectPaidOnce(scene);
            if (!plan.hasCrashed) return expect(at).toBeGreaterThan(8);
        }
    });

    it('pays once when the endpoint takes the message and loses it, and it is signed again after its time', async () => {
        const scene = await sceneOf(`${kind} lost`, kind);
        let lost = 0;
        const losing = withSend(async (boc, send) => (lost++ < 2 ? undefined : send(boc)));
        const life = live(scene, losing);
        while (lost < 2) await new Promise((resolve) => setTimeout(resolve, 5));
        await fixture.devnet.chain.warp(100);
        await life;
        await liveUntilPaid(scene);
        await expectPaidOnce(scene);
    });

    it('pays once when every message is delivered twice, and late', async () => {
        const scene = await sceneOf(`${kind} twice`, kind);
        let held: Buffer | null = null;
        const slow = withSend(async (boc, send) => {
            if (held) await send(held).catch(() => undefined);
            held = boc;
            await send(boc);
        });
        await liveUntilPaid(scene, slow);
        await fixture.client.sendBoc(held!).catch(() => undefined);
        await expectPaidOnce(scene);
    });

    it('waits rather than sign again on the word of an endpoint that shows no transactions', async () => {
        const scene = await sceneOf(`${kind} blind`, kind);
        const blind = withoutTransactions();
        const life = live(scene, blind).catch((error: unknown) => error);
        while (!(await isPaid(scene))) await new Promise((resolve) => setTimeout(resolve, 5));
        await fixture.devnet.chain.warp(100);
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(await transactionsSince(fixture.client, scene.receiver, { fromLt: 0n })).toHaveLength(1);
        await liveUntilPaid(scene);
        await life;
        await expectPaidOnce(scene);
    });
});

function withSend(act: (boc: Buffer, send: (boc: Buffer) => Promise<void>) => Promise<void>): ChainClient {
    const sendBoc = (boc: Buffer) => act(boc, (bytes) => fixture.client.sendBoc(bytes));
    return Object.assign(Object.create(fixture.client) as ChainClient, { sendBoc });
}

function withoutTransactions(): ChainClient {
    return new ChainClient({
        endpoints: [fixture.devnet.endpoint],
        firstDelayMs: 1,
        exchange: async (call) =>
            call.body!.includes('"getTransactions"')
                ? { status: 200, retryAfter: null, text: '{"ok":true,"result":[]}' }
                : httpExchange(call),
    });
}
