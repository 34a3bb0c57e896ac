/**
 * A dispatcher by itself, so that its memory is its own: the real server, service, admission, escrow book and ledger; the
 * chain alone is answered from memory.
 */
import { performance } from 'node:perf_hooks';
import { silentLogger, systemClock } from '../../../../keepers/base';
import { EscrowBook } from '../../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../../keepers/dispatcher';
import { unhurried } from '../../../../keepers/dispatcher/unhurried';
import { openDispatchLedger } from '../../../../keepers/ledger';
import { serveRole } from '../../gateway/serve-role';
import { admitAll, type AdmissionWork } from '../admit-all';
import { accountOf } from '../chain-in-memory';
import { hub, network } from '../places';
import { rounded } from '../quantiles';
import { threadCpuMicros } from '../thread-cpu';

const logger = silentLogger();
let startedMs = 0;
let startedCpu = process.cpuUsage();
let startedThreadMicros = 0;
let options: Awaited<ReturnType<typeof compose>>;
let service: DispatcherService;

async function compose(file: string) {
    const ledger = await openDispatchLedger({ file });
    const book = new EscrowBook({ read: async (escrow) => accountOf(escrow), maxAgeMs: 600_000 });
    return { network, hub, ledger, book, clock: systemClock, logger };
}

/** From here on counts what it takes to start; loading the code is before it. */
async function open({ file }: { file: string }) {
    startedMs = performance.now();
    startedCpu = process.cpuUsage();
    startedThreadMicros = threadCpuMicros();
    options = await compose(file);
    service = new DispatcherService({ ...options, isAdmitted: async () => true, queueLimitPerNode: 64 });
    await service.recover();
    const server = createDispatcherServer({ service, maxBodyBytes: 33_554_432, logger });
    const url = await server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 });
    return { url, listeningSeconds: rounded(sinceStartSeconds(), 2) };
}

async function everyNode({ nodes }: { nodes: number }) {
    while (service.connectedNodes < nodes) await systemClock.sleep(5);
    const { user, system } = process.cpuUsage(startedCpu);
    return {
        startupSeconds: rounded(sinceStartSeconds(), 2),
        startupThreadSeconds: rounded((threadCpuMicros() - startedThreadMicros) / 1e6, 2),
        startupCpuSeconds: rounded((user + system) / 1e6, 2),
    };
}

const sinceStartSeconds = () => (performance.now() - startedMs) / 1_000;

/** How much of the thread ten thousand idle nodes take. */
async function idle({ seconds }: { seconds: number }) {
    const before = threadCpuMicros();
    await systemClock.sleep(seconds * 1_000);
    return { idleThreadShare: rounded((threadCpuMicros() - before) / (seconds * 1e6), 4) };
}

const admit = (work: AdmissionWork) => admitAll(options, work);

/** Read whole by a gateway, twice: rendered, and as it is kept from then on. */
async function size() {
    const first = await readDirectory();
    const again = await readDirectory();
    const memoryMb = Math.round(process.resourceUsage().maxRSS / 1024);
    return {
        nodes: service.connectedNodes,
        directoryMb: rounded(first.bytes / 1e6),
        directoryMs: first.tookMs,
        directoryAgainMs: again.tookMs,
        directoryHoldsMs: Math.max(first.longestMs, again.longestMs),
        memoryMb,
    };
}

/** By the thread's own clock; what it does until the event loop turns holds everybody else up. */
async function readDirectory() {
    const beganMicros = threadCpuMicros();
    let [bytes, longest, heldSince] = [0, 0, beganMicros];
    const turns = setInterval(() => (heldSince = threadCpuMicros()), 0);
    for await (const piece of unhurried(service.directory.json({}))) {
        bytes += piece.length;
        longest = Math.max(longest, threadCpuMicros() - heldSince);
    }
    clearInterval(turns);
    const tookMs = rounded((threadCpuMicros() - beganMicros) / 1_000);
    return { bytes, tookMs, longestMs: rounded(longest / 1_000) };
}

serveRole({ open, everyNode, idle, admit, size });
