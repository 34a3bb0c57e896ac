import { toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { getBytes, Signature } from 'ethers';
import { payoutErrors, receiptDigest, Receipt, SettlementLine } from '../../wrappers';
import { testKey } from './support/ed25519';
import { compactSignature, curveOrder, ethereumKey } from './support/ethereum-key';
import { exitCodeOf } from './support/settlement-outcomes';
import { createSettlement, SettlementEnvironment, TestNode } from './support/settlement-environment';

let env: SettlementEnvironment;
let node: TestNode;

beforeEach(async () => {
    env = await createSettlement({ feeBps: 0 });
    node = { key: ethereumKey('node'), owner: env.settler };
    await env.admit(node, { suite: 2 });
});

afterEach(() => {
    expect(env.money.leak()).toBe(0n);
});

function digestOf(line: SettlementLine): Buffer {
    return receiptDigest(line.receipt as Receipt);
}

/** The line, with another signature beside a line that passes, so that a thrown error would show. */
async function settleWith(nodeSignature: Buffer, line = env.line(node, { receiptNano: toNano('1') })) {
    await env.settle([{ ...line, nodeSignature }, env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
    expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(toNano('2'));
    return env.escrow.getPaid(line.receipt.nodeKey);
}

function expectRefused(result: SendMessageResult, text: string): void {
    expect(payoutErrors.get(exitCodeOf(result, env.hub.address) ?? 0)).toBe(text);
}

describe('a receipt under an Ethereum key', () => {
    it('is paid when it is signed as any Ethereum wallet signs', async () => {
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(env.settler.address)).toBe(toNano('1'));
    });

    it('is paid in a batch of ten', async () => {
        const nodes = Array.from({ length: 10 }, (_, i) => ({ key: ethereumKey(`node ${i}`), owner: env.settler }));
        for (const one of nodes) await env.admit(one, { suite: 2 });
        await env.settle(nodes.map((one) => env.line(one, { receiptNano: toNano('0.1') })));
        expect(await env.hub.getCredit(env.settler.address)).toBe(toNano('1'));
    });

    it.each([
        ['another key', () => ethereumKey('other').sign(digestOf(env.line(node, { receiptNano: toNano('1') })))],
        ['an Ed25519 key', () => testKey('other').sign(digestOf(env.line(node, { receiptNano: toNano('1') })))],
    ])('is skipped when %s signed it', async (_, sign) => {
        expect(await settleWith(sign())).toBe(0n);
    });

    it("is skipped when the digest was signed without the wallets' prefix", async () => {
        const line = env.line(node, { receiptNano: toNano('1') });
        const bare = ethereumKey('node').signingKey.sign(digestOf(line)).compactSerialized;
        expect(await settleWith(Buffer.from(getBytes(bare)), line)).toBe(0n);
    });

    it('is skipped with the other parity, and with the mirrored s', async () => {
        const line = env.line(node, { receiptNano: toNano('1') });
        const { r, s, yParity } = Signature.from('0x' + line.nodeSignature.toString('hex'));
        expect(await settleWith(compactSignature(BigInt(r), 1 - yParity, BigInt(s)), line)).toBe(0n);
        // Does not fit into the 255 bits of s: its top bit lands where the parity is.
        const mirrored = compactSignature(BigInt(r), 1 - yParity, curveOrder - BigInt(s));
        expect(await settleWithAnother(mirrored, line)).toBe(0n);
        expect(await settleWithAnother(line.nodeSignature, line)).toBe(toNano('1'));
    });

    it.each([
        ['r zero', 0n, 1n],
        ['s zero', 5n, 0n],
        ['r the order', curveOrder, 1n],
        ['r above the order', (1n << 256n) - 1n, 1n],
        ['r of no point', 5n, 1n],
    ])('is skipped with %s, without an exception', async (_, r, s) => {
        expect(await settleWith(compactSignature(r, 0, s))).toBe(0n);
        expect(await settleWithAnother(compactSignature(r, 1, s))).toBe(0n);
    });
});

/** The neighbour of `settleWith` has its due already, so that only this line is left. */
async function settleWithAnother(nodeSignature: Buffer, line = env.line(node, { receiptNano: toNano('1') })) {
    await env.settle([{ ...line, nodeSignature }, env.line(env.nodes[0]!, { receiptNano: toNano('3') })]);
    expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(toNano('3'));
    return env.escrow.getPaid(line.receipt.nodeKey);
}

describe('an admission', () => {
    it.each([
        ['an unknown suite', () => testKey('x'), 0],
        ['another unknown suite', () => testKey('x'), 3],
        ['suite 2 and an Ed25519 key', () => testKey('x'), 2],
        ['suite 1 and an Ethereum key', () => ethereumKey('x'), 1],
    ])('is refused with %s', async (_, key, suite) => {
        const stranger = { key: key(), owner: env.settler };
        expectRefused(await env.admit(stranger, { suite }), 'Payout: unknown suite, or not a key of it');
        expect(await env.hub.getNode(stranger.key.publicKey)).toBeNull();
    });
});
