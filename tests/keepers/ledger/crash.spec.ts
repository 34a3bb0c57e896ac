import path from 'node:path';
import { type DispatchLedgerOptions, GatewayLedger, NodeLog, scanNodeLog } from '../../../keepers/ledger';
import { newLedger, openTestLedger } from '../../support/new-ledger';
import { temporaryFolder } from './temporary-folder';
import { requestId } from './ledger-records';
import { bytes } from './record-bytes';
import { writeUntilKilled } from './write-until-killed';

const folder = temporaryFolder();
const rounds = 6;

function killedWriter(round: number, place: DispatchLedgerOptions): Promise<string[]> {
    return writeUntilKilled({
        script: 'crash-writer.ts',
        args: [folder, String(round), JSON.stringify(place)],
        // A slow machine must come to receipts, too.
        isUnderWay: (output) => round % 2 === 0 || /^receipt /m.test(output),
        withinMs: 300,
    });
}

async function survivors(): Promise<Set<string>> {
    const logged = new Set<string>();
    const log = await NodeLog.open(path.join(folder, 'node.log'));
    await log.close();
    await scanNodeLog(path.join(folder, 'node.log'), ({ receipt }) =>
        logged.add(`${receipt.nodeKey.toString('hex')} ${receipt.sequence}`),
    );
    return logged;
}

/** The dispatcher's ledger is in PostgreSQL where the tests run on that. */
describe('kill -9 under load', () => {
    it('loses nothing that was acknowledged', async () => {
        const acknowledged: string[] = [];
        const place = await newLedger(folder);
        for (let round = 0; round < rounds; round++) acknowledged.push(...(await killedWriter(round, place)));
        const dispatch = await openTestLedger(place);
        const gateway = new GatewayLedger({ file: path.join(folder, 'gateway.db') });
        const logged = await survivors();
        const isThere = async (line: string): Promise<boolean> => {
            const [kind, lane, i] = line.split(' ') as [string, string, string];
            const id = requestId(`${lane} ${i}`);
            if (kind === 'cap') return (await dispatch.requestState(id)) !== null;
            if (kind === 'receipt') return (await dispatch.requestState(id))?.state === 'final';
            if (kind === 'sent') return ['sent', 'final'].includes(gateway.request(id)?.state ?? 'none');
            if (kind === 'final') return gateway.request(id)?.state === 'final';
            return logged.has(`${bytes(lane).toString('hex')} ${i}`);
        };
        const there = await Promise.all(acknowledged.map(isThere));
        expect(acknowledged.filter((_line, i) => !there[i])).toEqual([]);
        expect(new Set(acknowledged.map((line) => line.split(' ')[0]))).toEqual(
            new Set(['cap', 'receipt', 'sent', 'final', 'logged']),
        );
        // The check itself must be able to fail.
        expect(await isThere(`receipt r0l0 ${acknowledged.length}`)).toBe(false);
    }, 180_000);
});
