import { AsyncLocalStorage } from 'node:async_hooks';
import { Cell, Contract, Sender } from '@ton/core';
import { Blockchain, SandboxContract } from '@ton/sandbox';
import { sharedExecutor } from '../../keepers/devnet/chain/core/executor';
import { NetworkConfig, scalePrices, sixth } from '../../keepers/devnet/chain/core/fee-config';

/**
 * Gas, forward and storage prices under which contracts are tested. `mainnet` are those in force since spring 2026, a sixth
 * of the sandbox's; `x6` are as much dearer as those are cheaper.
 */
export const feePrices = ['sandbox', 'mainnet', 'x6'] as const;
export type FeePrices = (typeof feePrices)[number];

/** The only setting of the contracts' tests. */
const variable = 'COCOON_TEST_FEES';

const chosen = new AsyncLocalStorage<FeePrices>();
const configs = new Map<FeePrices, Cell>();

/** Chains created while `act` runs charge these prices, whatever the environment says. */
export function withFees<T>(prices: FeePrices, act: () => Promise<T>): Promise<T> {
    return chosen.run(prices, act);
}

/** Prices that chains created now charge. */
export function feesInForce(): FeePrices {
    return chosen.getStore() ?? feesFromEnvironment(process.env[variable]);
}

export function feesFromEnvironment(value: string | undefined): FeePrices {
    if (value === undefined || value === '') return 'sandbox';
    const known = feePrices.find((name) => name === value);
    if (known === undefined) throw new Error(`${variable} is "${value}", not one of ${feePrices.join(', ')}`);
    return known;
}

/** An amount that buys as much under the prices in force as `amountNano` does under the sandbox's. */
export function atPrices(amountNano: bigint): bigint {
    const prices = feesInForce();
    if (prices === 'sandbox') return amountNano;
    return prices === 'x6' ? amountNano * 6n : sixth(amountNano);
}

/** What to attach so that it is enough under the prices in force too; the rest comes back. */
export function budget(amountNano: bigint): bigint {
    return feesInForce() === 'x6' ? atPrices(amountNano) : amountNano;
}

/**
 * Years after which storage has eaten as much of what a test left in an account as in `years` under the sandbox's prices:
 * a budget grows with dearer prices and stays under cheaper ones. A chain's clock ends in 2106.
 */
export function yearsAtPrices(years: number): number {
    return feesInForce() === 'mainnet' ? Math.min(3 * years, 70) : years;
}

/** What every test of a contract runs on. */
export async function createBlockchain(): Promise<Blockchain> {
    const prices = feesInForce();
    const blockchain = await Blockchain.create({ executor: await sharedExecutor(), config: configOf(prices) });
    if (prices === 'x6') payDearly(blockchain);
    return blockchain;
}

/**
 * What wrappers attach when the caller names no value is enough up to the sandbox's prices, six times mainnet's; above, a
 * caller must name more, as these calls do. What is too much comes back.
 */
function payDearly(blockchain: Blockchain): void {
    const open = blockchain.openContract.bind(blockchain);
    blockchain.openContract = <T extends Contract>(contract: T) => {
        const opened: SandboxContract<T> = open(contract);
        return new Proxy(opened, {
            get(target, name) {
                const member: unknown = Reflect.get(target, name);
                if (typeof member !== 'function' || !/^send[A-Z]/.test(name.toString())) return member;
                return (via: Sender, ...args: (bigint | { valueNano?: bigint })[]) => {
                    const isNamed = args.some((arg) => typeof arg === 'bigint' || arg.valueNano !== undefined);
                    return (member as (via: Sender, ...args: unknown[]) => unknown)(
                        isNamed ? via : dearSender(via),
                        ...args,
                    );
                };
            },
        });
    };
}

function dearSender(via: Sender): Sender {
    return { address: via.address, send: (message) => via.send({ ...message, value: atPrices(message.value) }) };
}

/** Rewriting a configuration takes longer than many messages: once for all chains of a process. */
function configOf(prices: FeePrices): Cell {
    const sandbox = NetworkConfig.of('sandbox').cell;
    if (prices === 'sandbox') return sandbox;
    let config = configs.get(prices);
    if (config === undefined) {
        config = scalePrices(sandbox, prices === 'mainnet' ? sixth : (price) => price * 6n);
        configs.set(prices, config);
    }
    return config;
}
