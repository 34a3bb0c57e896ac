import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import {
    loadBondChanged,
    loadKeySlashed,
    Provider as ProviderBinding,
    storeSlash,
} from '../../build/Provider/Provider_Provider';
import {
    EvidenceReceipt,
    evidenceWindowSec,
    receiptDigest,
    ReceiptTail,
    signedReceiptCell,
    SlashOptions,
} from '../../wrappers';
import { uint256 } from '../../wrappers/uint256';
import { testKey } from './support/ed25519';
import { ethereumKey } from './support/ethereum-key';
import { bodyTo, comparable, eventOf, gasOf, keyRefusalTo, thrownBy, valueTo } from './support/outcome';
import { bundle, createProvider, day, minBondNano, nodeKey, ProviderEnvironment } from './support/provider-environment';
import { atPrices } from '../support/fee-config';

const { opcodes } = ProviderBinding;
const nobody = new Address(0, Buffer.alloc(32));
const escrow = Buffer.alloc(32, 0xe5);
const epoch = 7;

let env: ProviderEnvironment;

/** Every test ends with this: no nanoTON was lost or made, and the balance covers what the provider owes. */
afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { bondNano, unbondingNano, requiredBondNano } = await env.provider.getState();
    const owed = bondNano + unbondingNano;
    expect(await env.balanceOf(env.provider.address)).toBeGreaterThanOrEqual(owed);
    expect(bondNano).toBeGreaterThanOrEqual(requiredBondNano);
});

interface Said extends Partial<ReceiptTail> {
    signer?: { publicKey: Buffer; sign(digest: Buffer): Buffer };
    escrow?: Buffer;
    epoch?: number;
    network?: Buffer;
}

/** A receipt as the node `node 0` would sign it. */
function said(changes: Said): EvidenceReceipt {
    const signer = changes.signer ?? testKey('node 0');
    const receipt: ReceiptTail = {
        nodeKey: changes.nodeKey ?? signer.publicKey,
        sessionKey: changes.sessionKey ?? Buffer.alloc(32, 0x5e),
        sequence: changes.sequence ?? 3,
        costNano: changes.costNano ?? 10n,
        cumulativeNano: changes.cumulativeNano ?? 30n,
        reference: changes.reference ?? Buffer.alloc(32, 0x0f),
    };
    const scope = {
        network: changes.network ?? env.registry.address.hash,
        escrow: changes.escrow ?? escrow,
        epoch: changes.epoch ?? epoch,
    };
    return { receipt, signature: signer.sign(receiptDigest({ ...scope, ...receipt })) };
}

const twoHashes = (): SlashOptions['receipts'] => [said({}), said({ reference: Buffer.alloc(32, 0x10) })];

const slash = (changes: Partial<SlashOptions> & { valueNano?: bigint } = {}, by = env.stranger) =>
    env.provider.sendSlash(by.getSender(), {
        nodeKey: nodeKey(0),
        escrow,
        epoch,
        receipts: changes.receipts ?? twoHashes(),
        ...changes,
    });

async function expectRefused(reason: string, changes: Parameters<typeof slash>[0]) {
    const before = comparable(await env.provider.getState());
    const result = await slash(changes);
    expect(thrownBy(result, env.provider.address)).toBe(reason);
    expect(result.externals).toEqual([]);
    expect(comparable(await env.provider.getState())).toEqual(before);
}

async function createNode(options: Parameters<ProviderEnvironment['record']>[0] = {}) {
    env = await createProvider();
    await env.record(options);
}

describe('a key that contradicts itself', () => {
    it.each([
        ['signs one sequence with two references', { reference: Buffer.alloc(32, 1) }, {}],
        ['signs one sequence with two amounts', { cumulativeNano: 31n }, {}],
        ['signs one sequence for two sessions', { sessionKey: Buffer.alloc(32, 1) }, {}],
        ['signs a higher sequence with a lower cumulative amount', { sequence: 4, cumulativeNano: 29n }, {}],
        ['signs a lower sequence with a higher cumulative amount', {}, { sequence: 9, cumulativeNano: 29n }],
    ])('loses its share of the bond when it %s', async (_, first, second) => {
        await createNode();
        const { bondNano } = await env.provider.getState();
        const result = await slash({ receipts: [said(first), said(second)] });
        expect(thrownBy(result, env.provider.address)).toBeNull();
        const state = await env.provider.getState();
        expect(state).toMatchObject({ bondNano: bondNano - minBondNano, unbondingNano: 0n, requiredBondNano: 0n });
    });

    it('pays a tenth to the reporter and sends nine to the address whose key nobody has', async () => {
        await createNode();
        const burnedBefore = await env.balanceOf(nobody);
        const result = await slash({ valueNano: toNano('0.2') });
        const reward = valueTo(result, env.stranger.address, opcodes.SlashReward);
        expect(reward).toBeGreaterThan(minBondNano / 10n + toNano('0.2') - atPrices(toNano('0.03')));
        expect(reward).toBeLessThan(minBondNano / 10n + toNano('0.2'));
        expect((await env.balanceOf(nobody)) - burnedBefore).toBe((minBondNano * 9n) / 10n);
        const event = loadKeySlashed(eventOf(result, opcodes.KeySlashed)!.beginParse());
        expect(event).toMatchObject({ burned: (minBondNano * 9n) / 10n, reward: minBondNano / 10n });
        expect(event.nodeKey).toBe(uint256('key', nodeKey(0)));
        expect(event.reporter).toEqualAddress(env.stranger.address);
        const { bondNano } = await env.provider.getState();
        expect(loadBondChanged(eventOf(result, opcodes.BondChanged)!.beginParse()).bond).toBe(bondNano);
    });

    it('costs the provider nine tenths when it reports itself', async () => {
        await createNode();
        const before = (await env.balanceOf(env.owner.address)) + (await env.balanceOf(env.provider.address));
        await slash({}, env.owner);
        const after = (await env.balanceOf(env.owner.address)) + (await env.balanceOf(env.provider.address));
        expect(before - after).toBeGreaterThan((minBondNano * 9n) / 10n);
    });

    it('is revoked for good, and hubs are told so by anyone', async () => {
        await createNode();
        const result = await slash();
        expect(eventOf(result, opcodes.KeyRevoked)).not.toBeNull();
        expect(await env.provider.getKey(nodeKey(0))).toMatchObject({ isSlashed: true, revokedAt: env.blockchain.now });
        const again = await env.record({ bundleHash: bundle(5) });
        expect(keyRefusalTo(again, env.registry.address)).toBe('Provider: key is revoked');
        const admission = await env.provider.sendRequestAdmission(env.stranger.getSender(), {
            nodeKey: nodeKey(0),
            hub: env.hub.address,
        });
        expect(bodyTo(admission, env.hub.address, opcodes.AdmitNode)).not.toBeNull();
    });

    it('keeps the time of an earlier revocation', async () => {
        await createNode();
        await env.provider.sendRevokeKey(env.owner.getSender(), { nodeKey: nodeKey(0) });
        const revokedAt = env.blockchain.now;
        env.pass(day);
        expect(eventOf(await slash(), opcodes.KeyRevoked)).toBeNull();
        expect(await env.provider.getKey(nodeKey(0))).toMatchObject({ isSlashed: true, revokedAt });
    });

    it('is slashed once, whatever else is proved', async () => {
        await createNode();
        await slash();
        await expectRefused('Provider: key is slashed already', {});
        const others: SlashOptions['receipts'] = [said({ sequence: 8 }), said({ sequence: 8, costNano: 1n })];
        await expectRefused('Provider: key is slashed already', { receipts: others });
    });

    it('loses its own share and leaves the other keys theirs', async () => {
        await createNode();
        await env.record({ nodeKey: nodeKey(1), bundleHash: bundle(1) });
        await env.provider.sendBond(env.owner.getSender(), { valueNano: toNano('20') });
        await env.record({ nodeKey: nodeKey(2), bundleHash: bundle(2), minBondNano: toNano('25') });
        expect(await env.provider.getRequiredBond()).toBe(2n * minBondNano + toNano('25'));
        const { bondNano } = await env.provider.getState();
        const [signer, key] = [testKey('node 2'), nodeKey(2)];
        const receipts: SlashOptions['receipts'] = [said({ signer }), said({ signer, costNano: 1n })];
        const result = await slash({ nodeKey: key, receipts });
        expect(loadKeySlashed(eventOf(result, opcodes.KeySlashed)!.beginParse()).reward).toBe(toNano('2.5'));
        expect(await env.provider.getState()).toMatchObject({
            bondNano: bondNano - toNano('25'),
            requiredBondNano: 2n * minBondNano,
        });
        await slash();
        expect((await env.provider.getState()).requiredBondNano).toBe(minBondNano);
    });

    it('is slashed from the bond that it holds, though everything else is on its way out', async () => {
        await createNode();
        const { bondNano } = await env.provider.getState();
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano: bondNano - minBondNano });
        await slash();
        expect(await env.provider.getState()).toMatchObject({ bondNano: 0n, unbondingNano: bondNano - minBondNano });
        env.pass(7 * day);
        const out = await env.provider.sendWithdrawBond(env.owner.getSender());
        expect(valueTo(out, env.owner.address, opcodes.BondWithdrawn)).toBeGreaterThan(bondNano - minBondNano);
    });

    it('can be an Ethereum key', async () => {
        env = await createProvider();
        const signer = ethereumKey('node e');
        await env.record({ nodeKey: signer.publicKey, suite: 2 });
        const receipts: SlashOptions['receipts'] = [said({ signer }), said({ signer, costNano: 1n })];
        const [first, second] = receipts;
        const flipped = Buffer.from(first.signature);
        flipped[40]! ^= 1;
        const forged: SlashOptions['receipts'] = [{ ...first, signature: flipped }, second];
        await expectRefused('Provider: receipt not signed by the key', { nodeKey: signer.publicKey, receipts: forged });
        const result = await slash({ nodeKey: signer.publicKey, receipts });
        expect(thrownBy(result, env.provider.address)).toBeNull();
        expect((await env.provider.getKey(signer.publicKey))!.isSlashed).toBe(true);
    });
});

describe('an honest key', () => {
    it('is safe when one receipt is shown twice, even under two signatures', async () => {
        await createNode();
        const once = said({});
        await expectRefused('Provider: one receipt twice proves nothing', { receipts: [once, once] });
    });

    it('is safe with receipts that follow each other, in either order', async () => {
        await createNode();
        const honest = 'Provider: receipts do not contradict each other';
        const [older, newer] = [said({ sequence: 3 }), said({ sequence: 4, cumulativeNano: 30n })];
        await expectRefused(honest, { receipts: [older, newer] });
        await expectRefused(honest, { receipts: [newer, older] });
        await expectRefused(honest, { receipts: [older, said({ sequence: 4, cumulativeNano: 31n })] });
    });

    it('is safe from receipts of another escrow, epoch, network or key', async () => {
        await createNode();
        const unsigned = 'Provider: receipt not signed by the key';
        const other = Buffer.alloc(32, 9);
        for (const changed of [{ escrow: other }, { epoch: 8 }, { network: other }]) {
            await expectRefused(unsigned, { receipts: [said({}), said({ costNano: 1n, ...changed })] });
            await expectRefused(unsigned, { receipts: [said({ costNano: 1n, ...changed }), said({})] });
        }
        const signer = testKey('node 1');
        await expectRefused(unsigned, { receipts: [said({}), said({ signer, nodeKey: nodeKey(0) })] });
        await expectRefused('Provider: receipt of another key', { receipts: [said({}), said({ signer })] });
        await expectRefused('Provider: unknown key', {
            nodeKey: nodeKey(1),
            receipts: [said({ signer }), said({ signer })],
        });
    });

    it('is safe from receipts cut otherwise, truncated or padded', async () => {
        await createNode();
        const good = said({});
        const tail = signedReceiptCell(good).bits;
        const signature = beginCell().storeBuffer(good.signature).endCell();
        const send = (first: Cell) => {
            const message = { $$type: 'Slash', queryId: 1n, nodeKey: uint256('key', nodeKey(0)), first } as const;
            const rest = {
                escrow: uint256('escrow', escrow),
                epoch: BigInt(epoch),
                second: signedReceiptCell(said({ costNano: 1n })),
            };
            const body = beginCell()
                .store(storeSlash({ ...message, ...rest }))
                .endCell();
            return env.stranger.send({ to: env.provider.address, value: toNano('0.2'), body });
        };
        for (const cell of [
            Cell.EMPTY,
            beginCell().storeBits(tail).endCell(),
            beginCell().storeBits(tail).storeRef(signature).storeRef(signature).endCell(),
            beginCell().storeBits(tail).storeBit(false).storeRef(signature).endCell(),
            beginCell()
                .storeBits(tail.substring(0, tail.length - 1))
                .storeRef(signature)
                .endCell(),
        ]) {
            expect(thrownBy(await send(cell), env.provider.address)).toBe('Provider: malformed receipt');
        }
        for (const cell of [
            beginCell().storeBuffer(good.signature.subarray(1)).endCell(),
            beginCell().storeBuffer(good.signature).storeBit(false).endCell(),
            beginCell().storeBuffer(good.signature).storeRef(Cell.EMPTY).endCell(),
        ]) {
            const receipt = beginCell().storeBits(tail).storeRef(cell).endCell();
            expect(thrownBy(await send(receipt), env.provider.address)).toBe('Provider: malformed receipt signature');
        }
        const whole = beginCell().storeBits(tail).storeRef(signature).endCell();
        expect(thrownBy(await send(whole), env.provider.address)).toBeNull();
    });
});

describe('evidence', () => {
    it('counts until two days after expiry, and the bond is held as long', async () => {
        await createNode({ notAfter: 1_900_000_000 + day });
        const { bondNano } = await env.provider.getState();
        env.pass(day + evidenceWindowSec);
        const dodge = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: bondNano - minBondNano + 1n });
        expect(thrownBy(dodge, env.provider.address)).toBe('Provider: bond needed by keys');
        expect(thrownBy(await slash(), env.provider.address)).toBeNull();
    });

    it('comes too late a second later, when the bond is free', async () => {
        await createNode({ notAfter: 1_900_000_000 + day });
        env.pass(day + evidenceWindowSec + 1);
        await expectRefused('Provider: evidence comes too late', {});
        const { bondNano } = await env.provider.getState();
        const free = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: bondNano });
        expect(thrownBy(free, env.provider.address)).toBeNull();
    });

    it('counts as long, and the bond is held as long, when the key was revoked before', async () => {
        await createNode({ notAfter: 1_900_000_000 + 3 * day });
        await env.provider.sendRevokeKey(env.owner.getSender(), { nodeKey: nodeKey(0) });
        const { bondNano } = await env.provider.getState();
        const dodge = () => env.provider.sendUnbond(env.owner.getSender(), { amountNano: bondNano - minBondNano + 1n });
        env.pass(evidenceWindowSec + 1);
        expect(thrownBy(await dodge(), env.provider.address)).toBe('Provider: bond needed by keys');
        env.pass(3 * day - 1);
        expect(thrownBy(await dodge(), env.provider.address)).toBe('Provider: bond needed by keys');
        const result = await slash();
        expect(thrownBy(result, env.provider.address)).toBeNull();
        expect(loadKeySlashed(eventOf(result, opcodes.KeySlashed)!.beginParse()).reward).toBe(minBondNano / 10n);
    });

    it('comes too late a second later though the key was revoked, when the bond is free', async () => {
        await createNode({ notAfter: 1_900_000_000 + 3 * day });
        await env.provider.sendRevokeKey(env.owner.getSender(), { nodeKey: nodeKey(0) });
        env.pass(3 * day + evidenceWindowSec + 1);
        await expectRefused('Provider: evidence comes too late', {});
        const { bondNano } = await env.provider.getState();
        const free = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: bondNano });
        expect(thrownBy(free, env.provider.address)).toBeNull();
    });

    it('with any value is either refused as a whole or goes through: the check of the value is never too low', async () => {
        const outcomes = new Set<string | null>();
        for (let valueNano = toNano('0.014'); valueNano < toNano('0.06'); valueNano += toNano('0.004')) {
            await createNode();
            const before = await env.provider.getState();
            const result = await slash({ valueNano: atPrices(valueNano) });
            outcomes.add(thrownBy(result, env.provider.address));
            const { bondNano } = await env.provider.getState();
            const slashed = bodyTo(result, env.stranger.address, opcodes.SlashReward) !== null;
            expect(before.bondNano - bondNano).toBe(slashed ? minBondNano : 0n);
        }
        expect([...outcomes].at(-1)).toBeNull();
        expect(outcomes).toContain('Provider: not enough value');
    });

    it('costs little gas to bring', async () => {
        await createNode();
        expect(gasOf(await slash(), env.provider.address)).toBeLessThan(40_000);
    });
});
