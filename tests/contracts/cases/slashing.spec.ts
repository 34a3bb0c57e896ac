import '@ton/test-utils';
import { Address, toNano } from '@ton/core';
import { EvidenceReceipt, receiptDigest, ReceiptTail } from '../../../wrappers';
import { testKey } from '../support/ed25519';
import { thrownBy } from '../support/outcome';
import { createProvider, day, minBondNano, nodeKey, ProviderEnvironment } from '../support/provider-environment';

const gas = toNano('2');
const escrow = Buffer.alloc(32, 0xe5);
const epoch = 7;
/** Nobody has its key. */
const nobody = { address: new Address(0, Buffer.alloc(32)) };

let env: ProviderEnvironment;

/** A provider with one key and bond for three. */
beforeEach(async () => {
    env = await createProvider();
    await env.record();
});

// Whatever a test did: nothing was lost or made, and the balance covers what the provider owes.
afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { bondNano, unbondingNano, requiredBondNano } = await env.provider.getState();
    expect(await env.balanceOf(env.provider.address)).toBeGreaterThanOrEqual(bondNano + unbondingNano);
    expect(bondNano).toBeGreaterThanOrEqual(requiredBondNano);
});

function receipt(
    changes: Partial<ReceiptTail> = {},
    options: { signer?: string; escrow?: Buffer } = {},
): EvidenceReceipt {
    const tail: ReceiptTail = {
        nodeKey: nodeKey(0),
        sessionKey: Buffer.alloc(32, 0x5e),
        sequence: 3,
        costNano: 10n,
        cumulativeNano: 30n,
        reference: Buffer.alloc(32, 0x0f),
        ...changes,
    };
    const scope = { network: env.registry.address.hash, escrow: options.escrow ?? escrow, epoch };
    return { receipt: tail, signature: testKey(options.signer ?? 'node 0').sign(receiptDigest({ ...scope, ...tail })) };
}

const contradiction = () => [receipt(), receipt({ reference: Buffer.alloc(32, 0x10) })] as const;

async function slash(receipts: readonly [EvidenceReceipt, EvidenceReceipt], by = env.stranger): Promise<string | null> {
    const options = { nodeKey: nodeKey(0), escrow, epoch, receipts, valueNano: gas };
    return thrownBy(await env.provider.sendSlash(by.getSender(), options), env.provider.address);
}

const wealth = async (of: { address: Address }) => env.balanceOf(of.address);

describe('case 12: a node contradicts itself: one sequence with two hashes, or a higher sequence with a lower cumulative', () => {
    it.each<[string, () => readonly [EvidenceReceipt, EvidenceReceipt]]>([
        ['one sequence with two hashes', contradiction],
        ['a higher sequence with a lower cumulative', () => [receipt(), receipt({ sequence: 4, cumulativeNano: 29n })]],
        ['the same, newer first', () => [receipt({ sequence: 4, cumulativeNano: 29n }), receipt()]],
    ])('%s: a tenth goes to the reporter, the rest to nobody', async (_, receipts) => {
        const before = {
            bond: (await env.provider.getState()).bondNano,
            nobody: await wealth(nobody),
            reporter: await wealth(env.stranger),
        };
        expect(await slash(receipts())).toBeNull();
        expect(before.bond - (await env.provider.getState()).bondNano).toBe(minBondNano);
        expect((await wealth(nobody)) - before.nobody).toBe((minBondNano * 9n) / 10n);
        const reward = (await wealth(env.stranger)) - before.reporter;
        expect(reward).toBeLessThanOrEqual(minBondNano / 10n);
        expect(reward).toBeGreaterThan(0n);
    });

    it('a provider that reports itself loses nine tenths, and a second report takes nothing more', async () => {
        const [bond, wallet] = [(await env.provider.getState()).bondNano, await wealth(env.owner)];
        expect(await slash(contradiction(), env.owner)).toBeNull();
        const lost = bond - (await env.provider.getState()).bondNano;
        expect((await wealth(env.owner)) - wallet).toBeLessThanOrEqual(lost / 10n);
        const again = [receipt({ sequence: 9 }), receipt({ sequence: 9, costNano: 11n })] as const;
        expect(await slash(again, env.owner)).toBe('Provider: key is slashed already');
        expect(bond - (await env.provider.getState()).bondNano).toBe(lost);
    });

    it.each<[string, string, () => readonly [EvidenceReceipt, EvidenceReceipt]]>([
        ['the same receipt sent twice', 'Provider: one receipt twice proves nothing', () => [receipt(), receipt()]],
        [
            'an older receipt sent after a newer one',
            'Provider: receipts do not contradict each other',
            () => [receipt({ sequence: 9, cumulativeNano: 90n }), receipt()],
        ],
        [
            'a free answer, which raises nothing',
            'Provider: receipts do not contradict each other',
            () => [receipt(), receipt({ sequence: 4, costNano: 0n })],
        ],
        [
            'the receipt of another escrow',
            'Provider: receipt not signed by the key',
            () => [receipt(), receipt({ reference: Buffer.alloc(32, 1) }, { escrow: Buffer.alloc(32, 0xaa) })],
        ],
        [
            'a receipt that somebody else signed',
            'Provider: receipt not signed by the key',
            () => [receipt(), receipt({ reference: Buffer.alloc(32, 1) }, { signer: 'slanderer' })],
        ],
        [
            "another node's receipt",
            'Provider: receipt of another key',
            () => [receipt(), receipt({ nodeKey: nodeKey(1) }, { signer: 'node 1' })],
        ],
    ])('an honest node is not slashed for %s', async (_, refusal, receipts) => {
        const { bondNano } = await env.provider.getState();
        expect(await slash(receipts())).toBe(refusal);
        expect((await env.provider.getState()).bondNano).toBe(bondNano);
    });
});

describe('case 13: a provider unbonds to dodge a slash', () => {
    const by = () => env.owner.getSender();

    /** All that can be had by the owner's own messages, without touching what keys hold. */
    async function unbondEverything(): Promise<void> {
        const { bondNano } = await env.provider.getState();
        await env.provider.sendUnbond(by(), { amountNano: bondNano, valueNano: gas });
        await env.provider.sendUnbond(by(), { amountNano: bondNano - minBondNano, valueNano: gas });
    }

    it("the key's share stays while evidence counts, whatever the owner unbonds first", async () => {
        await unbondEverything();
        expect((await env.provider.getState()).bondNano).toBe(minBondNano);
        expect(await slash(contradiction())).toBeNull();
        expect((await env.provider.getState()).bondNano).toBe(0n);
    });

    it('nor does revoking the key free its share at once', async () => {
        await env.provider.sendRevokeKey(by(), { nodeKey: nodeKey(0), valueNano: gas });
        await unbondEverything();
        env.pass(day);
        expect(await slash(contradiction())).toBeNull();
        expect((await env.provider.getState()).bondNano).toBe(0n);
    });

    // Hubs that nobody told settle the key's receipts until its end, and what it signs meanwhile must be worth its bond.
    it('nor does revoking it and waiting free its share before the end that hubs know of', async () => {
        const notAfter = env.blockchain.now! + 30 * day;
        const third = Buffer.alloc(32, 0xb3);
        await env.record({ nodeKey: nodeKey(1), bundleHash: third, notAfter });
        await env.provider.sendRevokeKey(by(), { nodeKey: nodeKey(1), valueNano: gas });
        env.pass(8 * day);
        expect(await env.provider.getRequiredBond()).toBeGreaterThanOrEqual(minBondNano);
    });

    it('what is on its way out waits longer than evidence counts', async () => {
        await env.provider.sendUnbond(by(), { amountNano: minBondNano, valueNano: gas });
        env.pass(7 * day - 1);
        const early = await env.provider.sendWithdrawBond(by(), { valueNano: gas });
        expect(thrownBy(early, env.provider.address)).toBe('Provider: unbonding delay not over');
        env.pass(1);
        const before = await wealth(env.owner);
        await env.provider.sendWithdrawBond(by(), { valueNano: gas });
        expect((await wealth(env.owner)) - before).toBeGreaterThan(minBondNano - gas);
    });
});
