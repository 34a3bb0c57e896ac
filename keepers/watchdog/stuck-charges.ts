import { Address } from '@ton/core';
import type { ChainClient, NetworkReader } from '../chain';
import { errorMessage, type Logger } from '../base';
import type { Settleable } from '../ledger';

/** A charge is acknowledged within seconds; one that waits so long will not be. */
const stuckAfterSec = 900;

export interface ChargesSeen {
    /** Escrows whose charge has waited for its acknowledgement for long: only the hub or its client can end that. */
    stuckEscrows: string[];
    /** Escrows that could not be read at the last look. */
    unreadableEscrows: number;
}

/**
 * Escrows in which a charge waits for its acknowledgement. No message of anybody's ends that but the hub's answer or the
 * client's withdrawal, so a person has to know.
 */
export class StuckCharges {
    private firstSeenSec = new Map<string, number>();

    constructor(
        private readonly options: { client: ChainClient; reader: NetworkReader; hub: Address; logger: Logger },
    ) {}

    /** One escrow that can't be read hides no other; of it counts what was last seen. */
    async look(settleables: readonly Settleable[]): Promise<ChargesSeen> {
        const nowSec = await this.options.client.getChainTimeSec();
        const seen: ChargesSeen = { stuckEscrows: [], unreadableEscrows: 0 };
        const firstSeenSec = new Map<string, number>();
        for (const account of new Set(settleables.map(({ escrow }) => escrow.toString('hex')))) {
            const address = new Address(0, Buffer.from(account, 'hex'));
            const amountNano = await this.inFlightNano(address);
            if (amountNano === undefined) seen.unreadableEscrows++;
            const sinceSec = this.firstSeenSec.get(account) ?? (amountNano === undefined ? null : nowSec);
            if (amountNano === null || sinceSec === null) continue;
            firstSeenSec.set(account, sinceSec);
            if (nowSec - sinceSec < stuckAfterSec) continue;
            seen.stuckEscrows.push(address.toString());
            this.options.logger.error(
                { escrow: address.toString(), amountNano: amountNano?.toString() ?? null, sinceSec },
                'a charge waits for its acknowledgement',
            );
        }
        this.firstSeenSec = firstSeenSec;
        return seen;
    }

    /** Null: no charge waits; undefined: it can't be read. */
    private async inFlightNano(address: Address): Promise<bigint | null | undefined> {
        const { reader, hub, logger } = this.options;
        try {
            const snapshot = await reader.escrow({ address, hub, nodeKeys: () => [] });
            return snapshot?.inFlightNano ?? null;
        } catch (error) {
            logger.warn({ escrow: address.toString(), error: errorMessage(error) }, 'an escrow cannot be read');
            return undefined;
        }
    }
}
