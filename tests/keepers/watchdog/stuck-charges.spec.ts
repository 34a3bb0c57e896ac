import { Address } from '@ton/core';
import { silentLogger } from '../../../keepers/base';
import type { ChainClient, NetworkReader } from '../../../keepers/chain';
import type { Settleable } from '../../../keepers/ledger';
import { StuckCharges } from '../../../keepers/watchdog/stuck-charges';

const escrows = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
const names = escrows.map((hash) => new Address(0, hash).toString());
const settleables = escrows.map((escrow) => ({ escrow }) as Settleable);

type Reading = bigint | null | 'unreadable';

/** Looks twenty minutes apart; what each shows of the two escrows. */
async function looks(...readings: [Reading, Reading][]) {
    let [look, nowSec] = [-1, 0];
    const reader = {
        escrow: async ({ address }: { address: Address }) => {
            const inFlightNano = readings[look]![names.indexOf(address.toString())]!;
            if (inFlightNano === 'unreadable') throw new Error('no server knows');
            return { inFlightNano };
        },
    };
    const charges = new StuckCharges({
        client: { getChainTimeSec: async () => nowSec } as ChainClient,
        reader: reader as unknown as NetworkReader,
        hub: new Address(0, Buffer.alloc(32, 3)),
        logger: silentLogger(),
    });
    const seen = [];
    for (look = 0; look < readings.length; look++, nowSec += 1_200) seen.push(await charges.look(settleables));
    return seen;
}

describe('charges that wait for their acknowledgement', () => {
    it('are told once they have waited for a quarter of an hour, and no more when they are over', async () => {
        expect(await looks([5n, null], [5n, null], [null, null])).toEqual([
            { stuckEscrows: [], unreadableEscrows: 0 },
            { stuckEscrows: [names[0]], unreadableEscrows: 0 },
            { stuckEscrows: [], unreadableEscrows: 0 },
        ]);
    });

    it('are told of one escrow though another can not be read, which is counted', async () => {
        expect(await looks(['unreadable', 5n], ['unreadable', 5n])).toEqual([
            { stuckEscrows: [], unreadableEscrows: 1 },
            { stuckEscrows: [names[1]], unreadableEscrows: 1 },
        ]);
    });

    it('count as they were last seen while their escrow can not be read', async () => {
        const [, , third] = await looks([5n, null], [5n, null], ['unreadable', null]);
        expect(third).toEqual({ stuckEscrows: [names[0]], unreadableEscrows: 1 });
    });
});
