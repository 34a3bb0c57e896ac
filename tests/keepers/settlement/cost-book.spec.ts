import { ManualClock } from '../../../keepers/base';
import { decideSettlements } from '../../../keepers/settlement';
import { CostBook } from '../../../keepers/settlement/cost-book';

const hub = { getSettleCost: async (lines: number) => 20_000_000n + 5_000_000n * BigInt(lines) };
const boundNano = 25_000_000n;
const open = () => new CostBook(hub as never, new ManualClock(1_000));

async function costAfter(...feesNano: bigint[]): Promise<bigint> {
    const book = open();
    for (const feeNano of feesNano) await book.learn([1], feeNano);
    const { batchNano, lineNano } = await book.costs();
    return batchNano + lineNano;
}

describe('what a settler counts on', () => {
    const honest = 15_000_000n;

    it('is what the hub says at most, until several settlements have shown less', async () => {
        expect(await costAfter()).toBe(boundNano);
        expect(await costAfter(honest, honest)).toBe(boundNano);
        expect(await costAfter(honest, honest, honest)).toBe(honest);
    });

    it('follows the hub’s prices after five minutes, though the date was set back', async () => {
        const clock = new ManualClock(1_000);
        let lineNano = 5_000_000n;
        const dearer = { getSettleCost: async (lines: number) => 20_000_000n + lineNano * BigInt(lines) };
        const book = new CostBook(dearer as never, clock);
        await book.costs();
        lineNano = 6_000_000n;
        clock.setBy(-3_600_000);
        expect((await book.costs()).lineNano).toBe(5_000_000n);
        clock.advance(300_000);
        expect((await book.costs()).lineNano).toBe(6_000_000n);
    });

    it('is moved by no single fee, however absurd', async () => {
        const five = Array.from({ length: 5 }, () => honest);
        for (const absurd of [0n, 1n, 10n ** 12n]) expect(await costAfter(...five, absurd)).toBe(honest);
    });

    it('stays within the hub’s bound and a quarter of it, though every fee be made up', async () => {
        const always = (feeNano: bigint) => costAfter(...Array.from({ length: 9 }, () => feeNano));
        expect(await always(10n ** 12n)).toBe(boundNano);
        expect(await always(0n)).toBe(boundNano / 4n);
    });

    it('never keeps it from settling for good: what is worth the hub’s bound is settled', async () => {
        const book = open();
        for (let i = 0; i < 9; i++) await book.learn([1], 10n ** 12n);
        const owed = { escrow: 'aa', epoch: 1, nodeKey: 'bb', owedNano: 50n * boundNano };
        const candidate = { ...owed, balanceNano: 1n << 60n, deadlineSec: null };
        const policy = { nowSec: 1_000, minValueToCostRatio: 50n, urgentWithinSec: 3_600, force: false };
        expect(decideSettlements([candidate], await book.costs(), policy)).toHaveLength(1);
    });
});
