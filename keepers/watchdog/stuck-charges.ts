import { Address } from '@ton/core';
import type { ChainClient, NetworkReader } from '../chain';
import type { Logger } from '../base';
import type { Settleable } from '../ledger';

/** A charge is acknowledged within seconds; one that waits so long will not be. */
const stuckAfterSec = 900;

/**
 * Escrows in which a charge waits for its acknowledgement. No message of anybody's ends that but the hub's answer or the
 * client's withdrawal, so a person has to know.
 */
export class StuckCharges {
    private readonly firstSeenSec = new Map<string, number>();

    constructor(
        private readonly options: { client: ChainClient; reader: NetworkReader; hub: Address; logger: Logger },
    ) {}

    async look(settleables: readonly Settleable[]): Promise<string[]> {
        const { client, reader, hub, logger } = this.options;
        const nowSec = await client.getChainTimeSec();
        const stuck: string[] = [];
        for (const account of new Set(settleables.map(({ escrow }) => escrow.toString('hex')))) {
            const address = new Address(0, Buffer.from(account, 'hex'));
            const snapshot = await reader.escrow({ address, hub, nodeKeys: () => [] });
            const amountNano = snapshot?.inFlightNano ?? null;
            if (amountNano === null) {
                this.firstSeenSec.delete(account);
                continue;
            }
            const sinceSec = this.firstSeenSec.get(account) ?? nowSec;
            this.firstSeenSec.set(account, sinceSec);
            if (nowSec - sinceSec < stuckAfterSec) continue;
            stuck.push(address.toString());
            logger.error(
                { escrow: address.toString(), amountNano: amountNano.toString(), sinceSec },
                'a charge waits for its acknowledgement',
            );
        }
        return stuck;
    }
}
