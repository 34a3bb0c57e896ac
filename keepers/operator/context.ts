import type { Address, Contract, OpenedContract, Sender } from '@ton/core';
import type { DeploymentFile } from './deployment-file';

/** What an act needs of the world; blueprint's NetworkProvider and `keepers/chain` both give it. */
export interface OperatorContext {
    /** A wrapper bound to the chain. */
    open<T extends Contract>(contract: T): OpenedContract<T>;
    /** The operator's wallet. */
    sender: Sender & { address: Address };
    /** Time of the chain, unix seconds: what contracts compare deadlines with. */
    nowSec(): Promise<number>;
    /** Where the network's addresses are kept; acts that are given addresses do without. */
    deployment: DeploymentFile;
}
