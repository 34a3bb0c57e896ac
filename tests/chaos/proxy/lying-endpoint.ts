import { type Fault, FaultyRpc } from '../../support/faulty-rpc';
import type { Dice } from '../dice';

export interface Lying {
    fault: Fault;
    /** Of the requests that it can concern. */
    share: number;
}

/** One keeper's endpoint: passes on what the chain says, except for what it is told to do wrong, several things at once. */
export class LyingEndpoint {
    private readonly lying = new Set<Lying>();

    private constructor(
        private readonly rpc: FaultyRpc,
        dice: Dice,
    ) {
        rpc.fail(() => [...this.lying].find(({ share }) => dice.chance(share))?.fault ?? null);
    }

    static async start(endpoint: string, dice: Dice): Promise<LyingEndpoint> {
        return new LyingEndpoint(await FaultyRpc.start({ upstream: new URL(endpoint).origin }), dice);
    }

    get url(): string {
        return this.rpc.endpoint;
    }

    /** Of TonClient4's API. */
    get urlV4(): string {
        return this.rpc.endpointV4;
    }

    /** Gives how to make it honest again in this respect. */
    begin(lying: Lying): () => void {
        this.lying.add(lying);
        return () => this.lying.delete(lying);
    }

    close(): Promise<void> {
        return this.rpc.close();
    }
}
