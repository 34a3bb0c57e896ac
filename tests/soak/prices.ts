import { Cell } from '@ton/core';
import { Blockchain, loadConfig, updateConfig } from '@ton/sandbox';

/** Times six, as the sandbox has them, and a sixth; each kind of price moves on its own. */
export const priceLevels = ['sixth', 'plain', 'sixfold'] as const;
export type PriceLevel = (typeof priceLevels)[number];

export interface PriceLevels {
    gas: PriceLevel;
    forward: PriceLevel;
    storage: PriceLevel;
}

export const plainPrices: PriceLevels = { gas: 'plain', forward: 'plain', storage: 'plain' };

const known = new Map<string, string>();

/** The network's configuration, BOC in base64, with prices of gas (20, 21), forwarding (24, 25) and storage (18) at these levels. */
export async function configAt(levels: PriceLevels): Promise<string> {
    const name = priceName(levels);
    const found =
        known.get(name) ??
        repriced(await slimConfig(), levels)
            .toBoc({ idx: false })
            .toString('base64');
    known.set(name, found);
    return found;
}

export function priceName({ gas, forward, storage }: PriceLevels): string {
    return `${gas} ${forward} ${storage}`;
}

let slim: Promise<Cell> | undefined;

/** The sandbox's own configuration without validator sets: every run of a get method parses it. */
function slimConfig(): Promise<Cell> {
    slim ??= Blockchain.create({ config: 'slim' }).then((blockchain) => blockchain.config);
    return slim;
}

function repriced(config: Cell, levels: PriceLevels): Cell {
    const { 18: storage, 20: mcGas, 21: gas, 24: mcForward, 25: forward } = loadConfig(config);
    for (const [since, prices] of storage.anon0) {
        storage.anon0.set(since, {
            ...prices,
            bit_price_ps: at(levels.storage, prices.bit_price_ps),
            _cell_price_ps: at(levels.storage, prices._cell_price_ps),
            mc_bit_price_ps: at(levels.storage, prices.mc_bit_price_ps),
            mc_cell_price_ps: at(levels.storage, prices.mc_cell_price_ps),
        });
    }
    const params = [
        { ...mcGas, anon0: gasAt(levels.gas, mcGas.anon0) },
        { ...gas, anon0: gasAt(levels.gas, gas.anon0) },
        { ...mcForward, anon0: forwardAt(levels.forward, mcForward.anon0) },
        { ...forward, anon0: forwardAt(levels.forward, forward.anon0) },
    ];
    return updateConfig(config, storage, ...params);
}

type Gas = ReturnType<typeof loadConfig>[21]['anon0'];
type Forward = ReturnType<typeof loadConfig>[25]['anon0'];

function gasAt(level: PriceLevel, prices: Gas): Gas {
    if (prices.kind !== 'GasLimitsPrices_gas_flat_pfx' || !('gas_price' in prices.other)) {
        throw new Error('the sandbox has gas prices of a form that is not known here');
    }
    const other = { ...prices.other, gas_price: at(level, prices.other.gas_price) };
    return { ...prices, flat_gas_price: at(level, prices.flat_gas_price), other };
}

function forwardAt(level: PriceLevel, prices: Forward): Forward {
    return {
        ...prices,
        lump_price: at(level, prices.lump_price),
        bit_price: at(level, prices.bit_price),
        _cell_price: at(level, prices._cell_price),
    };
}

/** Never free: a price of 1 stays. */
function at(level: PriceLevel, price: bigint): bigint {
    if (level === 'plain') return price;
    if (level === 'sixfold') return price * 6n;
    const sixth = price / 6n;
    return sixth === 0n && price > 0n ? 1n : sixth;
}
