import { capShares, platformWeightCeiling, uncappedWeight } from './platform-shares';
import type { TrustedNode } from './trusted-node';
import { drawIndex, firstAbove, runningSums } from './weighted-draw';

/** A node with what it asks for a million output tokens of the model. */
export interface PricedNode {
    node: TrustedNode;
    outputNano: bigint;
}

/** One machine: its nodes by price, as positions in the whole list, and the running sums of their claims. */
interface Platform {
    positions: number[];
    claims: Float64Array;
}

/** Draws that hit an unusable node before what is left is looked through one by one. */
const maxDraws = 12;
const maxTables = 256;

export const claimOf = ({ offer }: TrustedNode): number => Math.max(offer.maxConcurrency, 1);

/** Of evidence that names no machine nobody can tell how many machines it is: it counts as one. */
export const platformOf = ({ verdict }: TrustedNode): string => verdict.platformId ?? 'unnamed';

/**
 * The nodes that serve one model in one way, ready to be drawn from: a platform by min(what its nodes claim, a ceiling) and
 * never more than a quarter while there are four, then a node of it by its claim. Built once for each change of the
 * directory. Nodes stand by price, so those under a price ceiling are the first ones; each adds to the sums what it adds to
 * its platform's weight, so the weight of any such beginning is one number.
 */
export class ModelOffers {
    private readonly priced: readonly PricedNode[];
    private readonly byId = new Map<string, number>();
    private readonly platforms: Platform[] = [];
    private readonly platformAt: Int32Array;
    /** Where each platform's cheapest node stands; rises. */
    private readonly firsts: number[] = [];
    private readonly sums: Float64Array;
    /** Running sums of capped weights, by the number of nodes under the price ceiling. */
    private readonly tables = new Map<number, Float64Array>();

    constructor(priced: readonly PricedNode[]) {
        this.priced = [...priced].sort((a, b) =>
            a.outputNano < b.outputNano ? -1 : Number(a.outputNano > b.outputNano),
        );
        this.platformAt = new Int32Array(this.priced.length);
        this.sums = runningSums(this.placeAll());
    }

    get count(): number {
        return this.priced.length;
    }

    get cheapestNano(): bigint {
        return this.priced[0]!.outputNano;
    }

    /** How many nodes ask for no more. */
    within(ceilingNano: bigint | undefined): number {
        if (ceilingNano === undefined) return this.priced.length;
        let low = 0;
        let high = this.priced.length;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (this.priced[middle]!.outputNano > ceilingNano) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    /** The node, if it is one of the cheapest `reach`. */
    find(id: string, reach: number): TrustedNode | undefined {
        const position = this.byId.get(id);
        return position !== undefined && position < reach ? this.priced[position]!.node : undefined;
    }

    /** One of the cheapest `reach` nodes that may be used, or undefined when none may. */
    draw(
        reach: number,
        isUsable: (node: TrustedNode) => boolean,
        random: () => number = Math.random,
    ): TrustedNode | undefined {
        if (reach === 0) return undefined;
        for (let draws = 0; draws < maxDraws; draws++) {
            const { node } = this.priced[this.drawPosition(reach, random)]!;
            if (isUsable(node)) return node;
        }
        const left = this.priced.slice(0, reach).filter(({ node }) => isUsable(node));
        if (left.length === 0) return undefined;
        return new ModelOffers(left).draw(left.length, () => true, random);
    }

    private drawPosition(reach: number, random: () => number): number {
        const platform = this.platforms[this.drawPlatform(reach, random())]!;
        const members = firstAbove(platform.positions, reach - 1);
        return platform.positions[drawIndex(platform.claims, random(), members)]!;
    }

    private drawPlatform(reach: number, random: number): number {
        if (this.sums[reach - 1]! < uncappedWeight) return drawIndex(this.tableFor(reach), random);
        return this.platformAt[drawIndex(this.sums, random, reach)]!;
    }

    /** Only where all weigh little, so there are few: fewer platforms than the weight that needs no cap. */
    private tableFor(reach: number): Float64Array {
        const known = this.tables.get(reach);
        if (known !== undefined) return known;
        const inReach = this.platforms.slice(0, firstAbove(this.firsts, reach - 1));
        const weights = inReach.map(({ positions, claims }) =>
            Math.min(claims[firstAbove(positions, reach - 1) - 1]!, platformWeightCeiling),
        );
        const table = runningSums(capShares(weights));
        this.tables.set(reach, table);
        if (this.tables.size > maxTables) this.tables.delete(this.tables.keys().next().value!);
        return table;
    }

    /** @returns what each node adds to its platform's weight */
    private placeAll(): number[] {
        const numbers = new Map<string, number>();
        const positions: number[][] = [];
        const claims: number[][] = [];
        const weights = new Array<number>(positions.length);
        const added: number[] = [];
        this.priced.forEach(({ node }, position) => {
            const name = platformOf(node);
            const number = numbers.get(name) ?? numbers.size;
            if (number === numbers.size) {
                numbers.set(name, number);
                this.firsts.push(position);
                positions.push([]);
                claims.push([]);
                weights[number] = 0;
            }
            positions[number]!.push(position);
            claims[number]!.push(claimOf(node));
            const before = weights[number]!;
            weights[number] = Math.min(before + claimOf(node), platformWeightCeiling);
            added.push(weights[number] - before);
            this.platformAt[position] = number;
            this.byId.set(node.id, position);
        });
        this.platforms.push(
            ...positions.map((own, number) => ({ positions: own, claims: runningSums(claims[number]!) })),
        );
        return added;
    }
}
