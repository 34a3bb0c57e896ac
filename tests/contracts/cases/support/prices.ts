import { Cell } from '@ton/core';
import { Blockchain } from '@ton/sandbox';
import { scalePrices } from '../../../../keepers/devnet/chain/core/fee-config';

const multiplied = new Map<string, Cell>();

/** From now on the chain charges `factor` times what it charges now for gas, forwarding and storage. */
export function raisePrices(blockchain: Blockchain, factor: bigint): void {
    const { config } = blockchain;
    const name = `${config.hash().toString('hex')} ${factor}`;
    const raised = multiplied.get(name) ?? scalePrices(config, (price) => price * factor);
    multiplied.set(name, raised);
    blockchain.setConfig(raised);
}
