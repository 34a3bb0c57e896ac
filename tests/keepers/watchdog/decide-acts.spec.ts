import { Address } from '@ton/core';
import fc from 'fast-check';
import { decideActs, type WatchedKey, type WatchPolicy, type WatchView } from '../../../keepers/watchdog';
import { evidenceWindowSec } from '../../../wrappers';

const nowSec = 1_000_000;
const policy: WatchPolicy = { nowSec, pruneAboveNodes: 10, actCostNano: 10n };
const provider = new Address(0, Buffer.alloc(32, 9));
const id = (byte: number) => Buffer.alloc(32, byte);

function key(
    changes: Partial<WatchedKey['admitted']> = {},
    recorded: Partial<WatchedKey['recorded']> = {},
): WatchedKey {
    return {
        nodeKey: id(1),
        provider,
        admitted: {
            ownerId: id(8),
            suite: 1,
            notAfter: nowSec + 100,
            revokedAt: null,
            settlesUntil: nowSec + 200,
            ...changes,
        },
        recorded: {
            notAfter: nowSec + 100,
            revokedAt: null,
            isSlashed: false,
            bondNano: 1_000n,
            suite: 1,
            bundleHash: id(7),
            imageId: id(2),
            modelRoot: id(3),
            platformId: id(4),
            ...recorded,
        },
    };
}

const hex = (byte: number) => id(byte).toString('hex');
const trusted = { images: new Set([hex(2)]), models: new Set([hex(3)]), deniedPlatforms: new Set<string>() };

function view(changes: Partial<WatchView> = {}): WatchView {
    return { keys: [key()], trust: trusted, contradictions: [], hubNodeCount: 1, creditNano: 0n, ...changes };
}

const receipt = { nodeKey: id(1), sessionKey: id(5), sequence: 1, costNano: 1n, cumulativeNano: 1n, reference: id(6) };
const signed = { receipt, signature: Buffer.alloc(64) };
const evidence = { provider, nodeKey: id(1), escrow: id(6), epoch: 1, receipts: [signed, signed] as const };

describe('a watchdog', () => {
    it('leaves a trusted key alone', () => {
        expect(decideActs(view(), policy)).toEqual([]);
    });

    it.each([
        ['image', { images: new Set<string>() }, { imageId: id(2) }],
        ['model', { models: new Set<string>() }, { modelRoot: id(3) }],
        ['platform', { deniedPlatforms: new Set([hex(4)]) }, { platformId: id(4) }],
    ])('has a live key revoked whose %s is distrusted by now, and says why', (_what, trust, distrusted) => {
        const acts = decideActs(view({ trust: { ...trusted, ...trust } }), policy);
        expect(acts).toMatchObject([{ kind: 'recheck', provider, distrusted }]);
    });

    it('wastes nothing on a distrusted key that is revoked or over, or that the provider has forgotten', () => {
        const trust = { ...trusted, images: new Set<string>() };
        const dead = [
            key({ revokedAt: nowSec - 1 }),
            key({ notAfter: nowSec - 1, settlesUntil: nowSec + 5 }),
            { ...key(), recorded: null },
        ];
        for (const one of dead) expect(decideActs(view({ keys: [one], trust }), policy)).toEqual([]);
    });

    it('shows a contradiction once for each key, for a tenth of its bond', () => {
        const acts = decideActs(view({ contradictions: [evidence, evidence] }), policy);
        expect(acts).toMatchObject([{ kind: 'slash', rewardNano: 100n }]);
    });

    it('shows none that is too late, was shown before, or brings less than it costs', () => {
        const late = key({}, { notAfter: nowSec - evidenceWindowSec - 1 });
        for (const one of [
            late,
            key({}, { isSlashed: true }),
            key({}, { bondNano: 100n }),
            { ...key(), recorded: null },
        ])
            expect(decideActs(view({ keys: [one], contradictions: [evidence] }), policy)).toEqual([]);
        const inTime = key({}, { notAfter: nowSec - evidenceWindowSec });
        expect(decideActs(view({ keys: [inTime], contradictions: [evidence] }), policy)).toHaveLength(1);
    });

    it('claims what the hub holds for it when that is worth a message', () => {
        expect(decideActs(view({ creditNano: 20n }), policy)).toEqual([]);
        expect(decideActs(view({ creditNano: 21n }), policy)).toMatchObject([{ kind: 'claim', amountNano: 21n }]);
    });

    it('prunes only nodes whose receipts nobody takes any more, the oldest first, and no more than the room asks for', () => {
        const nodes = fc.array(fc.integer({ min: -500, max: 500 }), { maxLength: 30 });
        fc.assert(
            fc.property(nodes, fc.integer({ min: 0, max: 40 }), (offsets, hubNodeCount) => {
                const keys = offsets.map((offset, i) => ({
                    ...key({ settlesUntil: nowSec + offset }),
                    nodeKey: Buffer.alloc(32, i + 1),
                }));
                const acts = decideActs(view({ keys, hubNodeCount }), policy);
                const over = offsets.filter((offset) => offset < 0).sort((a, b) => a - b);
                const count = Math.min(over.length, Math.max(0, hubNodeCount - policy.pruneAboveNodes));
                expect(acts.every(({ kind }) => kind === 'prune')).toBe(true);
                const pruned = acts.map(
                    (act) => offsets[keys.findIndex((one) => one.nodeKey.toString('hex') === act.key)]!,
                );
                expect(pruned).toEqual(over.slice(0, count));
            }),
        );
    });
});
