/**
 * A dispatcher by itself, so that its memory is its own: the real server, service, admission, escrow book and ledger; the
 * chain alone is answered from memory. The ledger's file is the first argument.
 */
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { createLogger, systemClock } from '../../../keepers/base';
import { parseEnvelope } from '../../../keepers/confidential';
import { Admission, type AdmissionOptions, type EscrowAccount, EscrowBook } from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { type CapRecord, type DispatchLedger, openDispatchLedger } from '../../../keepers/ledger';
import { hub, network } from './places';
import { quantile, rounded } from './quantiles';
import { nodeCount } from './size';

const [file] = process.argv.slice(2);
const logger = createLogger({ name: 'dispatcher', level: 'error' });

/** What the chain would say, by escrow: known to the bench alone, read by the book one by one. */
const sessionKeys = new Map<string, Buffer>();
const read = async (escrow: Buffer): Promise<EscrowAccount | null> => {
    const publicKey = sessionKeys.get(escrow.toString('hex'));
    if (publicKey === undefined) return null;
    return {
        escrow,
        epoch: 1,
        status: 'open',
        balanceNano: 10n ** 12n,
        sessionKeys: [{ publicKey, validUntilSec: Date.now() / 1000 + 3_600 }],
        paidNano: new Map(),
    };
};

interface Work {
    envelopes: string[];
    keys: [escrow: string, key: string][];
}

/** Microseconds of each admission: on this thread, from beginning to end, and with the ledger's transaction. */
const took = { thread: [] as number[], latency: [] as number[], durable: [] as number[] };

/** The ledger's transaction is the disk: what comes before it is timed apart. */
async function admitAll(options: AdmissionOptions, { envelopes, keys }: Work): Promise<void> {
    for (const [escrow, key] of keys) sessionKeys.set(escrow, Buffer.from(key, 'hex'));
    for (const [escrow] of keys) await options.book.get(Buffer.from(escrow, 'hex'));
    let before = performance.eventLoopUtilization();
    let beganMs = performance.now();
    const ledger = {
        hasRequest: (requestId: Buffer) => options.ledger.hasRequest(requestId),
        recordCap: (cap: CapRecord) => {
            took.latency.push((performance.now() - beganMs) * 1_000);
            took.thread.push(performance.eventLoopUtilization(before).active * 1_000);
            return options.ledger.recordCap(cap);
        },
    };
    const admission = new Admission({ ...options, ledger: ledger as DispatchLedger });
    for (const text of envelopes) {
        const envelope = parseEnvelope(Buffer.from(text, 'base64'));
        await systemClock.sleep(0);
        before = performance.eventLoopUtilization();
        beganMs = performance.now();
        await admission.admit(envelope);
        took.durable.push((performance.now() - beganMs) * 1_000);
    }
}

async function main(): Promise<void> {
    const startedMs = performance.now();
    const ledger = await openDispatchLedger({ file: file! });
    const book = new EscrowBook({ read, maxAgeMs: 600_000 });
    const options = { network, hub, ledger, book, clock: systemClock, logger };
    const service = new DispatcherService({ ...options, isAdmitted: async () => true, queueLimitPerNode: 64 });
    await service.recover();
    const server = createDispatcherServer({ service, maxBodyBytes: 33_554_432, logger });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    process.send!({ url, listeningSeconds: (performance.now() - startedMs) / 1_000 });
    while (service.connectedNodes < nodeCount) await systemClock.sleep(5);
    process.send!({ startupSeconds: (performance.now() - startedMs) / 1_000 });

    const [work] = (await once(process, 'message')) as [Work];
    await admitAll(options, work);
    process.send!({
        escrows: sessionKeys.size,
        nodes: service.connectedNodes,
        admitP50Micros: figure(took.thread, 0.5),
        admitP99Micros: figure(took.thread, 0.99),
        admitLatencyP50Micros: figure(took.latency, 0.5),
        admitLatencyP99Micros: figure(took.latency, 0.99),
        admitDurableP50Micros: figure(took.durable, 0.5),
        directoryMs: rounded(timedMs(() => JSON.stringify(service.directory()))),
        memoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
    });
}

/** Without the first ones, which the compiler has not seen. */
function figure(micros: readonly number[], share: number): number {
    return rounded(quantile(micros.slice(Math.floor(micros.length / 5)), share));
}

function timedMs(act: () => unknown): number {
    const beganMs = performance.now();
    act();
    return performance.now() - beganMs;
}

void main();
