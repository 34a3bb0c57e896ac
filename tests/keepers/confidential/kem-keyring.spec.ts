import { ManualClock } from '../../../keepers/base';
import {
    finishEnvelope,
    signRequestCap,
    KemKeyring,
    openRequest,
    type KemCertificate,
    parseEnvelope,
    prepareRequest,
    verifyKemCertificate,
} from '../../../keepers/confidential';
import type { HpkeOpener } from '../../../keepers/confidential/hpke';
import {
    escrow,
    exchange,
    expectCode,
    inner,
    network,
    node,
    nowMs,
    offer,
    requestId,
    session,
    startNode,
} from './exchange';

const minuteMs = 60_000;

async function sealedTo(certificate: KemCertificate) {
    const context = { escrow, epoch: 9, offerHash: offer.hash, requestId, deadlineMs: nowMs + 1e9, allowanceNano: 1n };
    const request = await prepareRequest({ context, inner, certificate });
    return parseEnvelope(finishEnvelope(request, signRequestCap(request, session, 1n)));
}

describe('KemKeyring', () => {
    it('publishes a certificate that a gateway accepts', async () => {
        const { keyring } = await startNode(1);
        const certificates = keyring.certificates();
        expect(certificates).toHaveLength(1);
        const expected = { network, nodeKey: node.publicKey, nowSec: nowMs / 1000 };
        const read = verifyKemCertificate(certificates[0]!.signed, expected);
        expect(read).toMatchObject({ suite: 1, kemEpoch: 1, notAfterSec: nowMs / 1000 + 3600 });
    });

    it('makes a new key after 30 minutes, offers the old one until 60, opens with it until 90', async () => {
        const { keyring, clock } = await startNode(2);
        const [first] = keyring.certificates();
        const early = await sealedTo(first!);
        const late = await sealedTo(first!);
        const tooLate = await sealedTo(first!);

        clock.advance(30 * minuteMs - 1000);
        expect(await keyring.tick()).toBe(false);
        clock.advance(1000);
        expect(await keyring.tick()).toBe(true);
        expect(keyring.certificates().map((each) => each.kemEpoch)).toEqual([2, 1]);
        await keyring.open(early);

        clock.advance(30 * minuteMs);
        expect(keyring.certificates().map((each) => each.kemEpoch)).toEqual([2]);
        clock.advance(30 * minuteMs - 1000);
        await keyring.open(late);
        clock.advance(1000);
        await expectCode('kem_epoch_unknown', () => keyring.open(tooLate));
        await expectCode('kem_epoch_unknown', () => keyring.open(early));
    });

    it('shows no certificate of the future once its clock is right again, makes another, and opens with all', async () => {
        const { keyring, clock } = await startNode(2);
        const early = await sealedTo(keyring.certificates()[0]!);
        clock.advance(31 * minuteMs);
        expect(await keyring.tick()).toBe(true);
        const ahead = await sealedTo(keyring.certificates()[0]!);
        clock.setBy(-29 * minuteMs);
        expect(keyring.certificates().map((each) => each.kemEpoch)).toEqual([1]);
        expect(await keyring.tick()).toBe(false);
        await keyring.open(early);
        await keyring.open(ahead);
        clock.setBy(-4 * minuteMs);
        expect(keyring.certificates()).toEqual([]);
        expect(await keyring.tick()).toBe(true);
        expect(keyring.certificates().map((each) => each.kemEpoch)).toEqual([3]);
    });

    it('erases a key of a future so far that it would outlive its time', async () => {
        const { keyring, clock } = await startNode(2);
        clock.advance(365 * 24 * 60 * minuteMs);
        await keyring.tick();
        const ahead = await sealedTo(keyring.certificates()[0]!);
        clock.setBy(-365 * 24 * 60 * minuteMs);
        expect(await keyring.tick()).toBe(true);
        expect(keyring.certificates().map((each) => each.kemEpoch)).toEqual([3]);
        await expectCode('kem_epoch_unknown', () => keyring.open(ahead));
    });

    it('opens a request once, however often it comes', async () => {
        const { keyring, envelope, clock } = await exchange(2);
        await keyring.open(envelope);
        await expectCode('request_replayed', () => keyring.open(envelope));
        clock.advance(89 * minuteMs);
        await keyring.tick();
        await expectCode('request_replayed', () => keyring.open(envelope));
    });

    it('opens one of two copies that come at the same time', async () => {
        const { keyring, envelope } = await exchange(2);
        const results = await Promise.allSettled([keyring.open(envelope), keyring.open(envelope)]);
        expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    });

    it('lets nobody without the content key use up a request', async () => {
        const { keyring, envelope } = await exchange(2);
        const forged = { ...envelope, ct: Buffer.alloc(48) };
        await expectCode('request_undecryptable', () => keyring.open(forged));
        await expect(keyring.open(envelope)).resolves.toMatchObject({ inner });
    });

    it('stops when it cannot remember more, rather than forget', async () => {
        const clock = new ManualClock(nowMs);
        const keyring = new KemKeyring({ network, signer: node, clock, suites: [2], replayCapacity: 1 });
        await keyring.tick();
        const [certificate] = keyring.certificates();
        const [one, two] = [await sealedTo(certificate!), await sealedTo(certificate!)];
        await keyring.open(one);
        await expectCode('replay_memory_full', () => keyring.open(two));
        await expectCode('request_replayed', () => keyring.open(one));
        clock.advance(30 * minuteMs);
        await keyring.tick();
        await keyring.open(await sealedTo(keyring.certificates()[0]!));
    });

    it('keeps a key for each suite', async () => {
        const keyring = new KemKeyring({ network, signer: node, clock: new ManualClock(nowMs), suites: [1, 2] });
        await keyring.tick();
        const certificates = keyring.certificates();
        expect(certificates.map(({ suite, kemEpoch }) => [suite, kemEpoch])).toEqual([
            [1, 1],
            [2, 1],
        ]);
        for (const certificate of certificates) await keyring.open(await sealedTo(certificate));
    });

    it.each([1, 2] as const)('erases private keys of suite %s when they end', async (suite) => {
        const { keyring, clock } = await startNode(suite);
        const inside = keyring as unknown as { keys: { opener: HpkeOpener; certificate: KemCertificate }[] };
        const open = async ({ opener, certificate }: (typeof inside.keys)[number]) => {
            const envelope = await sealedTo(certificate);
            return openRequest({ envelope, opener, certificateHash: certificate.hash });
        };
        const [first] = inside.keys;
        await open(first!);
        clock.advance(90 * minuteMs);
        expect(keyring.certificates()).toEqual([]);
        await expectCode('request_undecryptable', () => open(first!));

        await keyring.tick();
        const [second] = inside.keys;
        await open(second!);
        keyring.close();
        await expectCode('request_undecryptable', () => open(second!));
        expect(await keyring.tick()).toBe(false);
        expect(keyring.certificates()).toEqual([]);
    });

    it('makes one key when it is asked twice at once, and none after it was closed meanwhile', async () => {
        const keyring = new KemKeyring({ network, signer: node, clock: new ManualClock(nowMs), suites: [2] });
        await Promise.all([keyring.tick(), keyring.tick()]);
        expect(keyring.certificates()).toHaveLength(1);
        const closing = new KemKeyring({ network, signer: node, clock: new ManualClock(nowMs), suites: [2] });
        const ticking = closing.tick();
        closing.close();
        expect(await ticking).toBe(false);
        expect(closing.certificates()).toEqual([]);
    });
});
