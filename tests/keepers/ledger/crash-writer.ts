/** Child of crash.spec.ts: writes until it is killed, and reports on standard output only what was acknowledged. */
import { writeSync } from 'node:fs';
import path from 'node:path';
import {
    type DispatchLedger,
    type DispatchLedgerOptions,
    GatewayLedger,
    NodeLog,
    openDispatchLedger,
} from '../../../keepers/ledger';
import { bytes } from './record-bytes';
import { cap, funds, gatewayReceipt, logEntry, receipt, requestId, reservation, sent } from './ledger-records';

const [folder, round, place] = process.argv.slice(2) as [string, string, string];
const acknowledge = (line: string) => writeSync(1, `${line}\n`);
const plenty = funds(1n << 60n);

/** Each lane has a stream of its own, so that sequences and sums stay simple. */
async function dispatchLane(ledger: DispatchLedger, lane: string): Promise<void> {
    const nodeKey = bytes(lane);
    for (let i = 1; ; i++) {
        const label = `${lane} ${i}`;
        await ledger.recordCap(cap(label, BigInt(i) * 5n, { nodeKey, funds: plenty }));
        acknowledge(`cap ${label}`);
        await ledger.recordReceipt(receipt(label, { sequence: i, cost: 5n, cumulative: BigInt(i) * 5n, nodeKey }));
        acknowledge(`receipt ${label}`);
    }
}

async function gatewayLane(ledger: GatewayLedger, lane: string): Promise<void> {
    const nodeKey = bytes(lane);
    for (let i = 1; ; i++) {
        const label = `${lane} ${i}`;
        await ledger.reserve(reservation(label, 5n, { nodeKey, funds: plenty, sent: () => sent(label) }));
        acknowledge(`sent ${label}`);
        const fields = { sequence: i, cost: 5n, cumulative: BigInt(i) * 5n, nodeKey };
        await ledger.resolve(requestId(label), gatewayReceipt(fields), 1);
        acknowledge(`final ${label}`);
    }
}

async function logLane(log: NodeLog, lane: string): Promise<void> {
    for (let i = 1; ; i++) {
        const fields = { sequence: i, cost: 5n, cumulative: BigInt(i) * 5n, capCumulative: 1n << 40n };
        await log.append(logEntry({ ...fields, nodeKey: bytes(lane) }));
        acknowledge(`logged ${lane} ${i}`);
    }
}

async function main(): Promise<void> {
    const dispatch = await openDispatchLedger(JSON.parse(place) as DispatchLedgerOptions);
    const gateway = new GatewayLedger({ file: path.join(folder, 'gateway.db') });
    const log = await NodeLog.open(path.join(folder, 'node.log'));
    const lanes = Array.from({ length: 8 }, (_, i) => `r${round}l${i}`);
    await Promise.all(
        lanes.flatMap((lane) => [dispatchLane(dispatch, lane), gatewayLane(gateway, lane), logLane(log, lane)]),
    );
}

void main();
