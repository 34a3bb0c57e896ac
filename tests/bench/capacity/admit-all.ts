import { performance } from 'node:perf_hooks';
import { systemClock } from '../../../keepers/base';
import { checkCap, parseEnvelope } from '../../../keepers/confidential';
import { Admission, type AdmissionOptions } from '../../../keepers/dispatch';
import type { DispatchLedger } from '../../../keepers/ledger';
import { openEscrow } from './chain-in-memory';
import { quantile, rounded } from './quantiles';
import { threadCpuMicros } from './thread-cpu';

export interface AdmissionWork {
    /** One envelope after the other. */
    envelopes: Buffer;
    envelopeBytes: number;
    /** Escrow and session key, 64 bytes each. */
    escrows: Buffer;
}

/** Requests under way at once in the busy half. */
const busyLanes = 32;

const signaturesMeasured = 2_000;

/** Microseconds of each admission. */
interface Took {
    /** CPU of this thread from the request's bytes to the ledger's transaction. */
    own: number[];
    /** The same by the clock. */
    latency: number[];
    /** CPU of this thread until the ledger's rules have taken it: `own`, the turn of the event loop, reads and rules. */
    accepted: number[];
    /** By the clock, with the ledger's transaction. */
    durable: number[];
}

/** Where each request waits before its turn, and how many are under way. */
interface Load {
    lanes: number;
    pause: () => Promise<unknown>;
}

const idle: Load = { lanes: 1, pause: () => systemClock.sleep(0) };
const busy: Load = { lanes: busyLanes, pause: () => new Promise((resolve) => setImmediate(resolve)) };

/**
 * Half of the requests come one by one to a thread that slept before each; half while others are under way. Up to the
 * ledger's transaction an admission waits for nothing, so no other's work is in its time.
 */
export async function admitAll(options: AdmissionOptions, work: AdmissionWork) {
    await fillBook(options, work.escrows);
    const envelopes = envelopesOf(work);
    const half = Math.ceil(envelopes.length / 2);
    const alone = await admitUnder(idle, options, envelopes.slice(0, half));
    const among = await admitUnder(busy, options, envelopes.slice(half));
    return {
        admitP50Micros: figure(alone.own, 0.5),
        admitP99Micros: figure(alone.own, 0.99),
        admitLatencyP50Micros: figure(alone.latency, 0.5),
        admitLatencyP99Micros: figure(alone.latency, 0.99),
        admitAcceptedP50Micros: figure(alone.accepted, 0.5),
        admitAcceptedP99Micros: figure(alone.accepted, 0.99),
        admitDurableP50Micros: figure(alone.durable, 0.5),
        admitBusyP50Micros: figure(among.own, 0.5),
        admitBusyP99Micros: figure(among.own, 0.99),
        ...(await signaturesAlone(envelopes.slice(0, signaturesMeasured))),
    };
}

/** The one thing in an admission that nothing of ours can make shorter: what this machine does to 50 us of arithmetic. */
async function signaturesAlone(envelopes: readonly Buffer[]) {
    const took: number[] = [];
    for (const bytes of envelopes) {
        const envelope = parseEnvelope(bytes);
        await idle.pause();
        const begun = threadCpuMicros();
        checkCap(envelope);
        took.push(threadCpuMicros() - begun);
    }
    return { signatureP50Micros: figure(took, 0.5), signatureP99Micros: figure(took, 0.99) };
}

async function admitUnder(load: Load, options: AdmissionOptions, envelopes: readonly Buffer[]): Promise<Took> {
    const took: Took = { own: [], latency: [], accepted: [], durable: [] };
    let next = 0;
    const lane = async () => {
        for (let bytes = envelopes[next++]; bytes !== undefined; bytes = envelopes[next++]) {
            await load.pause();
            await admitOne(options, bytes, took);
        }
    };
    await Promise.all(Array.from({ length: load.lanes }, lane));
    return took;
}

/** The ledger's transaction is the disk: what comes before it is timed apart. */
async function admitOne(options: AdmissionOptions, bytes: Buffer, took: Took): Promise<void> {
    let begun = 0;
    let beganMs = 0;
    const ledger = {
        recordCap: (...cap: Parameters<DispatchLedger['recordCap']>) => {
            took.own.push(threadCpuMicros() - begun);
            took.latency.push((performance.now() - beganMs) * 1_000);
            return options.ledger.recordCap(...cap);
        },
    };
    const admission = new Admission({ ...options, ledger: ledger as unknown as DispatchLedger });
    begun = threadCpuMicros();
    beganMs = performance.now();
    await admission.admit(parseEnvelope(bytes), () => took.accepted.push(threadCpuMicros() - begun));
    took.durable.push((performance.now() - beganMs) * 1_000);
}

/** Every escrow is known before the first request, as it is to a dispatcher that has run for a while. */
async function fillBook({ book }: AdmissionOptions, escrows: Buffer): Promise<void> {
    for (let from = 0; from < escrows.length; from += 64) {
        const escrow = escrows.subarray(from, from + 32);
        openEscrow(escrow, escrows.subarray(from + 32, from + 64));
        await book.get(escrow);
    }
}

function envelopesOf({ envelopes, envelopeBytes }: AdmissionWork): Buffer[] {
    const count = envelopes.length / envelopeBytes;
    return Array.from({ length: count }, (_unused, index) =>
        envelopes.subarray(index * envelopeBytes, (index + 1) * envelopeBytes),
    );
}

/** Without the first ones, which the compiler has not seen. */
function figure(micros: readonly number[], share: number): number {
    return rounded(quantile(micros.slice(Math.floor(micros.length / 5)), share));
}
