import { toNano } from '@ton/core';
import pino from 'pino';
import {
    CollateralService,
    createDevelopmentPki,
    PcsClient,
    startPcsServer,
    type DevelopmentPki,
    type PcsServer,
} from '../../../keepers/attestation';
import { type Clock, ManualClock, silentLogger } from '../../../keepers/base';
import { ChainClient, ChainWallet, walletKeyFromSeed } from '../../../keepers/chain';
import { type RunningDevnetChain, startDevnetChain } from '../../../keepers/devnet/chain';
import type { OutboxSender } from '../../../keepers/outbox';
import { CollateralKeeper, type CollateralKeeperOptions } from '../../../keepers/registrar';
import { QuoteVerifier } from '../../../wrappers';
import { seedOf } from '../chain/devnet-fixture';
import { useTemporarySenders } from '../outbox/temporary-sender';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const family = { fmspc: Buffer.from('90c06f000000', 'hex'), authority: 'platform' } as const;
const everything = ['root revocation list', 'pck revocation list', 'tcb info', 'qe identity'];

const senders = useTemporarySenders();
let devnet: RunningDevnetChain;
let client: ChainClient;
let pki: DevelopmentPki;
let server: PcsServer;
let verifier: ReturnType<typeof open>;
/** The chain's time, for everybody. */
const chainTimeMs = () => devnet.chain.nowSec() * 1000;
const clock: Clock = { nowMs: chainTimeMs, monotonicMs: chainTimeMs, sleep: () => Promise.resolve() };

beforeEach(async () => {
    devnet = await startDevnetChain({ seed: 'registrar', time: 'manual' });
    client = new ChainClient({ endpoints: [devnet.endpoint], firstDelayMs: 20, attempts: 3 });
    pki = createDevelopmentPki({ seed: Buffer.alloc(32, 3), now: new Date(clock.nowMs()) });
    server = await startPcsServer({ pki, clock });
    const wallet = await walletOf('deployer');
    const config = { registry: wallet.address, kind: 2, rootKey: pki.rootPublicKey.subarray(1) };
    verifier = open(await QuoteVerifier.createFromConfig(config));
    await verifier.sendDeploy(wallet.sender());
});
afterEach(async () => {
    await server.close();
    await devnet.close();
});

function open(contract: QuoteVerifier) {
    return client.open(contract);
}

async function walletOf(name: string, amountNano = toNano('100')): Promise<ChainWallet> {
    const wallet = new ChainWallet({ client, key: walletKeyFromSeed(seedOf(name)), pollIntervalMs: 10 });
    if (amountNano > 0n) await devnet.chain.payFromFaucet(wallet.address, amountNano);
    return wallet;
}

async function senderOf(name: string): Promise<OutboxSender> {
    const sender = senders.open({ client, key: walletKeyFromSeed(seedOf(name)) });
    await devnet.chain.payFromFaucet(sender.wallet.address, toNano('100'));
    return sender;
}

async function keeperOf(name: string, changes: Partial<CollateralKeeperOptions> = {}): Promise<CollateralKeeper> {
    return new CollateralKeeper({
        client,
        sender: changes.sender ?? (await senderOf(name)),
        verifier,
        service: new CollateralService({
            client: new PcsClient({ baseUrl: server.url }),
            clock,
            refreshAfterMs: hourMs,
        }),
        families: [family],
        renewBeforeMs: 10 * dayMs,
        alarmBeforeMs: 3 * dayMs,
        intervalMs: hourMs,
        clock,
        logger: silentLogger(),
        ...changes,
    });
}

const kinds = ({ posted }: { posted: { kind: string }[] }) => posted.map(({ kind }) => kind);
const warpDays = (days: number) => devnet.chain.warp(days * 86_400);

/** A logger, and the lines of level error that went to it. */
function listening() {
    const alarms: string[] = [];
    const write = (line: string) => void alarms.push((JSON.parse(line) as { what: string }).what);
    return { alarms, logger: pino({ level: 'error' }, { write }) };
}

describe('a registrar', () => {
    it('posts what is missing, then leaves it alone until it is near its end, then renews it', async () => {
        const keeper = await keeperOf('first');
        expect(await keeper.keepOnce()).toMatchObject({ failures: [] });
        expect((await verifier.getCollateral()).tcbInfos).toHaveLength(1);
        await warpDays(19);
        expect(await keeper.keepOnce()).toEqual({ posted: [], failures: [] });
        await warpDays(3);
        const renewed = await keeper.keepOnce();
        // The root's list is in force for a year.
        expect([kinds(renewed), renewed.failures]).toEqual([everything.slice(1), []]);
        const { tcbInfos } = await verifier.getCollateral();
        expect(tcbInfos.map(({ expiresAt }) => expiresAt.getTime() > clock.nowMs() + 25 * dayMs)).toEqual([true]);
    });

    it('spends next to nothing on what is there: what a posting does not need comes back', async () => {
        const sender = await senderOf('thrifty');
        const { wallet } = sender;
        const before = await wallet.getBalanceNano();
        await (await keeperOf('thrifty', { sender })).keepOnce();
        expect(before - (await wallet.getBalanceNano())).toBeLessThan(toNano('1.5'));
    });

    it('works beside another: what one has posted the other leaves alone', async () => {
        const [first, second] = [await keeperOf('first'), await keeperOf('second')];
        expect(kinds(await first.keepOnce())).toEqual(everything);
        expect(await second.keepOnce()).toEqual({ posted: [], failures: [] });
    });

    it('that comes second by a moment goes on with the other pieces', async () => {
        const [first, second] = [await keeperOf('first'), await keeperOf('second')];
        const [one, other] = await Promise.all([first.keepOnce(), second.keepOnce()]);
        expect(new Set([...kinds(one), ...kinds(other)])).toEqual(new Set(everything));
        for (const failure of [...one.failures, ...other.failures]) expect(failure).toMatch(/^(root|pck|tcb|qe)/);
        expect(await first.keepOnce()).toEqual({ posted: [], failures: [] });
    });

    it('survives a dead service, says what failed, and goes on when it is back', async () => {
        const keeper = await keeperOf('patient');
        const port = Number(new URL(server.url).port);
        await server.close();
        const failed = await keeper.keepOnce();
        expect(failed).toMatchObject({ posted: [], failures: [expect.stringMatching(/^90c06f000000: /)] });
        server = await startPcsServer({ pki, clock, port });
        await devnet.chain.warp(7200);
        expect(kinds(await keeper.keepOnce())).toEqual(everything);
    });

    it('survives a posting that fails, posts the rest, and makes up for it', async () => {
        const unlucky = await senderOf('unlucky');
        let calls = 0;
        const failingOnce: CollateralKeeperOptions['sender'] = {
            reconcile: async () => undefined,
            sender: (...intent) => {
                calls += 1;
                if (calls === 3) throw new Error('the wallet is empty');
                return unlucky.sender(...intent);
            },
        };
        const keeper = await keeperOf('unlucky', { sender: failingOnce });
        const first = await keeper.keepOnce();
        expect(kinds(first)).toEqual(everything.filter((kind) => kind !== 'tcb info'));
        expect(first.failures).toEqual([expect.stringMatching(/^tcb info.*the wallet is empty/)]);
        expect(kinds(await keeper.keepOnce())).toEqual(['tcb info']);
    });

    it('keeps the other families of which one has no collateral', async () => {
        const service = new CollateralService({ client: new PcsClient({ baseUrl: server.url }), clock });
        const unknown = { fmspc: Buffer.from('ffffffffffff', 'hex'), authority: 'platform' } as const;
        const keeper = await keeperOf('several', {
            families: [unknown, family],
            service: {
                collateralFor: (needs) =>
                    needs.fmspc === 'ffffffffffff'
                        ? Promise.reject(new Error('no such family'))
                        : service.collateralFor(needs),
            },
        });
        const summary = await keeper.keepOnce();
        expect(summary.failures).toEqual(['ffffffffffff: no such family']);
        expect(kinds(summary)).toEqual(everything);
    });

    it('raises the alarm when a piece runs out and nothing newer is to be had', async () => {
        const { alarms, logger } = listening();
        const keeper = await keeperOf('alarmed', { logger });
        await keeper.keepOnce();
        const port = Number(new URL(server.url).port);
        await server.close();
        await warpDays(27);
        await keeper.keepOnce();
        expect(alarms).toEqual([]);
        await warpDays(1);
        await keeper.keepOnce();
        expect(alarms.sort()).toEqual([
            'QE identity, evaluation 18',
            'TCB info of 90c06f000000, evaluation 18',
            'revocation list of the platform authority',
        ]);
        server = await startPcsServer({ pki, clock, port });
    });

    it('looks again at its interval, and stops while it waits', async () => {
        const manual = new ManualClock(0);
        const keeper = await keeperOf('punctual', { clock: manual });
        keeper.start();
        keeper.start();
        expect((await verifier.getCollateral()).tcbInfos).toEqual([]);
        manual.advance(hourMs);
        for (let round = 0; round < 200; round += 1) {
            if ((await verifier.getCollateral()).qeIdentities.length > 0) break;
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
        expect((await verifier.getCollateral()).qeIdentities).toHaveLength(1);
        await keeper.stop();
    });
});
