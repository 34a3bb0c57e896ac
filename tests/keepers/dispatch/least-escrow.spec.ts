import fc from 'fast-check';
import { ChainError } from '../../../keepers/chain';
import { type EscrowAccount, readEscrowOf } from '../../../keepers/dispatch';
import { leastOf } from '../../../keepers/dispatch/least-escrow';
import { account } from './sealed-request';
import { Address } from '@ton/core';
import { ManualClock } from '../../../keepers/base';

const keys = [1, 2, 3].map((byte) => Buffer.alloc(32, byte));
const nodeKey = fc.constantFrom('aa', 'bb', 'cc');

const accounts: fc.Arbitrary<EscrowAccount> = fc
    .record({
        status: fc.constantFrom('open' as const, 'closing' as const, 'closed' as const),
        balanceNano: fc.bigInt({ min: 0n, max: 10n ** 12n }),
        sessionKeys: fc.uniqueArray(
            fc.record({ publicKey: fc.constantFrom(...keys), validUntilSec: fc.integer({ min: 0, max: 1_000 }) }),
            { selector: ({ publicKey }) => publicKey[0] },
        ),
        paidNano: fc.array(fc.tuple(nodeKey, fc.bigInt({ min: 0n, max: 10n ** 9n }))).map((list) => new Map(list)),
    })
    .map((parts) => account({ ...parts, epoch: 1 }));

it('what two endpoints say of an escrow, combined, trusts neither more than the other would', () => {
    fc.assert(
        fc.property(accounts, accounts, (one, other) => {
            const least = leastOf([one, other])!;
            for (const told of [one, other]) {
                expect(least.balanceNano <= told.balanceNano).toBe(true);
                for (const { publicKey, validUntilSec } of least.sessionKeys) {
                    const same = told.sessionKeys.find((key) => key.publicKey.equals(publicKey))!;
                    expect(validUntilSec).toBeLessThanOrEqual(same.validUntilSec);
                }
                for (const [key, paid] of least.paidNano) expect(paid <= (told.paidNano.get(key) ?? 0n)).toBe(true);
                if (told.status !== 'open') expect(least.status).not.toBe('open');
            }
        }),
    );
});

it('an escrow that one endpoint does not know is none, and two epochs can not be combined', () => {
    expect(leastOf([account(), null])).toBeNull();
    expect(() => leastOf([account({ epoch: 1 }), account({ epoch: 2 })])).toThrow(ChainError);
});

it('while two can not agree, what they agreed on serves ten minutes, less what one takes away', async () => {
    const clock = new ManualClock(1_800_000_000_000);
    let agreed: EscrowAccount | null = account({ balanceNano: 100n });
    let latest = account({ balanceNano: 500n });
    const client = {
        agree: async () => {
            if (agreed === null) throw new ChainError('agreement_unavailable', 'one is down');
            return agreed;
        },
        latest: async () => latest,
    } as unknown as Parameters<typeof readEscrowOf>[0];
    const scope = { hub: new Address(0, keys[0]!), network: keys[1]!, closeDelaySec: 60 };
    const read = readEscrowOf(client, scope, clock);
    expect((await read(keys[2]!))!.balanceNano).toBe(100n);
    agreed = null;
    expect((await read(keys[2]!))!.balanceNano).toBe(100n);
    latest = account({ balanceNano: 40n });
    expect((await read(keys[2]!))!.balanceNano).toBe(40n);
    await expect(read(keys[0]!)).rejects.toMatchObject({ code: 'agreement_unavailable' });
    clock.advance(600_001);
    await expect(read(keys[2]!)).rejects.toMatchObject({ code: 'agreement_unavailable' });
});
