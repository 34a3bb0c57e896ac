import { Cell, Dictionary } from '@ton/core';
import { defaultConfig, loadConfig, updateConfig } from '@ton/sandbox';
import { ChainError } from '../errors';
import type { GenesisOptions } from '../options';
import { withOneValidator } from './validator-sets';

type FeeConfig = GenesisOptions['feeConfig'];

/** The basechain prices in force since spring 2026 are a sixth of the sandbox's. */
const divisor2026 = 6n;

/** Nearest integer, but never free: a price of 1 cannot be divided and stays. */
export function sixth(price: bigint): bigint {
    const divided = (price + divisor2026 / 2n) / divisor2026;
    return divided === 0n && price > 0n ? 1n : divided;
}

/** Every price of storage (18), gas (21) and forwarding (25) of the basechain, each scaled; masterchain prices stay. */
export function scalePrices(config: Cell, scale: (price: bigint) => bigint): Cell {
    const { 18: storage, 21: gas, 25: forward } = loadConfig(config);
    for (const [since, prices] of storage.anon0) {
        storage.anon0.set(since, {
            ...prices,
            bit_price_ps: scale(prices.bit_price_ps),
            _cell_price_ps: scale(prices._cell_price_ps),
        });
    }
    if (gas.anon0.kind !== 'GasLimitsPrices_gas_flat_pfx' || !('gas_price' in gas.anon0.other)) {
        throw new ChainError('state_mismatch', 'the sandbox has gas prices of a form this version does not know');
    }
    const gasPrices = {
        ...gas.anon0,
        flat_gas_price: scale(gas.anon0.flat_gas_price),
        other: { ...gas.anon0.other, gas_price: scale(gas.anon0.other.gas_price) },
    };
    const forwardPrices = {
        ...forward.anon0,
        lump_price: scale(forward.anon0.lump_price),
        bit_price: scale(forward.anon0.bit_price),
        _cell_price: scale(forward.anon0._cell_price),
    };
    return updateConfig(config, storage, { ...gas, anon0: gasPrices }, { ...forward, anon0: forwardPrices });
}

/** The network's configuration parameters, read by number. */
export class NetworkConfig {
    private static readonly known = new Map<FeeConfig, NetworkConfig>();
    readonly cell: Cell;
    readonly base64: string;
    private readonly params: Dictionary<number, Cell>;

    private constructor(feeConfig: FeeConfig) {
        const config = withOneValidator(Cell.fromBase64(defaultConfig));
        this.cell = feeConfig === 'sandbox' ? config : scalePrices(config, sixth);
        this.base64 = this.cell.toBoc({ idx: false }).toString('base64');
        this.params = Dictionary.loadDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell(), this.cell);
    }

    /** Parsing takes longer than many messages: once for all chains of a process. */
    static of(feeConfig: FeeConfig): NetworkConfig {
        const known = NetworkConfig.known.get(feeConfig) ?? new NetworkConfig(feeConfig);
        NetworkConfig.known.set(feeConfig, known);
        return known;
    }

    param(id: number): Cell {
        const param = this.params.get(id);
        if (param === undefined) throw new ChainError('config_param_not_found', `config parameter ${id} is not set`);
        return param;
    }

    get globalId(): number {
        return this.param(19).beginParse().loadInt(32);
    }
}
