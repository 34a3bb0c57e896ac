import { seededRandom } from '../keepers/gateway/seeded-random';

/** Every choice of a run comes from one of these: the same seed makes the same choices. */
export class Dice {
    private readonly next: () => number;

    constructor(private readonly seed: number) {
        this.next = seededRandom(seed);
    }

    /** Dice of its own for one part, so that what one part draws does not shift what another does. */
    apart(label: string): Dice {
        let mixed = this.seed >>> 0;
        for (const letter of label) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
        return new Dice(mixed);
    }

    /** Whole, both ends included. */
    between(least: number, most: number): number {
        return least + Math.floor(this.next() * (most - least + 1));
    }

    chance(share: number): boolean {
        return this.next() < share;
    }

    pick<T>(list: readonly T[]): T {
        return list[this.between(0, list.length - 1)]!;
    }

    weighted<T extends { weight: number }>(list: readonly T[]): T {
        let left = this.next() * list.reduce((sum, { weight }) => sum + weight, 0);
        for (const one of list) if ((left -= one.weight) < 0) return one;
        return list.at(-1)!;
    }

    shuffled<T>(list: readonly T[]): T[] {
        const mixed = [...list];
        for (let last = mixed.length - 1; last > 0; last--) {
            const other = this.between(0, last);
            [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
        }
        return mixed;
    }
}
