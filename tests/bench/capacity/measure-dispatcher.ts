import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Child } from '../gateway/child';
import { fillLedger } from './fill-ledger';
import { sealRequests } from './sealed-requests';
import type { Size } from './size';

export interface DispatcherFigures {
    escrows: number;
    nodes: number;
    /** From opening the ledger until every node is connected, their dialling and signing included. */
    startupSeconds: number;
    /** CPU that the dispatcher's thread used in that time, and all its threads. */
    startupThreadSeconds: number;
    startupCpuSeconds: number;
    listeningSeconds: number;
    /** Share of a core that the dispatcher's thread takes while every node is connected and nobody asks anything. */
    idleThreadShare: number;
    /**
     * CPU of the dispatcher's thread for one admission, from its bytes to the ledger's transaction: parsing, hashing, the
     * cap's signature, checks, pauses for garbage. The thread slept before each.
     */
    admitP50Micros: number;
    admitP99Micros: number;
    /** The same by the clock. */
    admitLatencyP50Micros: number;
    admitLatencyP99Micros: number;
    /** CPU of the thread until the ledger's rules have taken it: what they read, replay and funds besides. */
    admitAcceptedP50Micros: number;
    admitAcceptedP99Micros: number;
    /** By the clock, with the ledger's transaction, in a file in memory. */
    admitDurableP50Micros: number;
    /** As `admitP50Micros`, while 32 requests are under way: the thread does not sleep. */
    admitBusyP50Micros: number;
    admitBusyP99Micros: number;
    /** The signature of a cap alone, under the conditions of `admitP99Micros`: what is left of it is ours. */
    signatureP50Micros: number;
    signatureP99Micros: number;
    /** The whole directory with its evidence: CPU of the thread to render it, then again, and the most in one go. */
    directoryMb: number;
    directoryMs: number;
    directoryAgainMs: number;
    directoryHoldsMs: number;
    /** The most that the dispatcher's process held. */
    memoryMb: number;
}

/** A ledger in memory has everything but the disk. */
const memoryFolder = '/dev/shm';
const idleSeconds = 5;
type Progress = (line: string) => void;

/** A dispatcher with 100 000 escrows in its ledger that starts, takes 10 000 nodes back and admits requests. */
export async function measureDispatcher(size: Size, progress: Progress): Promise<DispatcherFigures> {
    const folder = mkdtempSync(path.join(existsSync(memoryFolder) ? memoryFolder : tmpdir(), 'cocoon-capacity-'));
    const crowd = childOf('crowd');
    const dispatcher = childOf('dispatcher');
    try {
        const file = path.join(folder, 'ledger.sqlite');
        progress(`making ${size.nodes} nodes and a ledger of ${size.escrows} escrows`);
        await Promise.all([crowd.ask('prepare', size), fillLedger(file, size)]);
        progress('starting the dispatcher');
        const started = await startUp({ dispatcher, crowd, file, size, progress });
        progress(`admitting ${size.admissions} requests`);
        const admitted = await dispatcher.ask<object>('admit', sealRequests(size));
        await refuseLosses(crowd);
        const held = await dispatcher.ask<object>('size');
        return { escrows: size.escrows, ...started, ...admitted, ...held } as DispatcherFigures;
    } finally {
        crowd.stop();
        dispatcher.stop();
        rmSync(folder, { recursive: true, force: true });
    }
}

const childOf = (role: string) =>
    Child.start({ name: `capacity-${role}`, script: path.join(__dirname, 'roles', `${role}.ts`) });

async function startUp(run: { dispatcher: Child; crowd: Child; file: string; size: Size; progress: Progress }) {
    const { dispatcher, crowd, file, size, progress } = run;
    const { url, ...listening } = await dispatcher.ask<{ url: string }>('open', { file });
    const connected = dispatcher.ask<{ startupSeconds: number }>('everyNode', size);
    await crowd.ask('dialAll', { url });
    const started = await Promise.race([connected, refuseLosses(crowd).then(() => connected)]);
    progress(`${size.nodes} nodes are connected after ${started.startupSeconds} s`);
    const idle = await dispatcher.ask<object>('idle', { seconds: idleSeconds });
    return { ...listening, ...started, ...idle };
}

/** A node that the dispatcher lost or refused makes every figure a lie. */
async function refuseLosses(crowd: Child): Promise<void> {
    const { count, first } = await crowd.ask<{ count: number; first?: string }>('lost');
    if (count > 0) throw new Error(`${count} nodes were lost: ${first}`);
}
