import { Blockchain, SendMessageResult } from '@ton/sandbox';

/** One operation, run on the real contracts: the trace it left on its chain. */
export interface Operation {
    blockchain: Blockchain;
    result: SendMessageResult;
}

export type Scenario = () => Promise<Operation>;

/** A scenario that did not do what its name says must not be measured. */
export function must(condition: boolean, what: string): void {
    if (!condition) throw new Error(`not what was to be measured: ${what}`);
}
