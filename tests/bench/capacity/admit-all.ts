import { performance } from 'node:perf_hooks';
import { systemClock } from '../../../keepers/base';
import { parseEnvelope } from '../../../keepers/confidential';
import { Admission, type AdmissionOptions, type EscrowBook } from '../../../keepers/dispatch';
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

/** Microseconds of each admission. */
interface Took {
    /** CPU of this thread for it, from its bytes to the ledger's transaction. */
    own: number[];
    /** CPU of this thread in that time, the other nodes' pings included. */
    thread: number[];
    /** By the clock, the signature's verification on another thread included. */
    latency: number[];
    /** By the clock, with the ledger's transaction. */
    durable: number[];
}

/** Adds up the pieces of one admission. */
class Stopwatch {
    private begun = 0;
    private micros = 0;

    restart(): void {
        this.micros = 0;
        this.go();
    }

    go(): void {
        this.begun = threadCpuMicros();
    }

    /** @returns what there is so far */
    pause(): number {
        return (this.micros += threadCpuMicros() - this.begun);
    }
}

/** The ledger's transaction is the disk: what comes before it is timed apart. */
export async function admitAll(options: AdmissionOptions, work: AdmissionWork) {
    await fillBook(options, work.escrows);
    const took: Took = { own: [], thread: [], latency: [], durable: [] };
    const watch = new Stopwatch();
    const atTransaction = { own: 0, thread: 0, latency: 0 };
    let begun = 0;
    let beganMs = 0;
    // What admission asks first after the signature, and what it does last.
    const book = {
        get: (escrow: Buffer, maxAgeMs?: number) => {
            watch.go();
            return options.book.get(escrow, maxAgeMs);
        },
    };
    const ledger = {
        recordCap: (...cap: Parameters<DispatchLedger['recordCap']>) => {
            atTransaction.own = watch.pause();
            atTransaction.latency = (performance.now() - beganMs) * 1_000;
            atTransaction.thread = threadCpuMicros() - begun;
            return options.ledger.recordCap(...cap);
        },
    };
    const admission = new Admission({
        ...options,
        book: book as EscrowBook,
        ledger: ledger as unknown as DispatchLedger,
    });
    for (let from = 0; from < work.envelopes.length; from += work.envelopeBytes) {
        const bytes = work.envelopes.subarray(from, from + work.envelopeBytes);
        await systemClock.sleep(0);
        begun = threadCpuMicros();
        beganMs = performance.now();
        watch.restart();
        const admitted = admission.admit(parseEnvelope(bytes));
        watch.pause();
        await admitted;
        took.own.push(atTransaction.own);
        took.thread.push(atTransaction.thread);
        took.latency.push(atTransaction.latency);
        took.durable.push((performance.now() - beganMs) * 1_000);
    }
    return figuresOf(took);
}

/** Every escrow is known before the first request, as it is to a dispatcher that has run for a while. */
async function fillBook({ book }: AdmissionOptions, escrows: Buffer): Promise<void> {
    for (let from = 0; from < escrows.length; from += 64) {
        const escrow = escrows.subarray(from, from + 32);
        openEscrow(escrow, escrows.subarray(from + 32, from + 64));
        await book.get(escrow);
    }
}

function figuresOf({ own, thread, latency, durable }: Took) {
    return {
        admitP50Micros: figure(own, 0.5),
        admitP99Micros: figure(own, 0.99),
        admitThreadP50Micros: figure(thread, 0.5),
        admitThreadP99Micros: figure(thread, 0.99),
        admitLatencyP50Micros: figure(latency, 0.5),
        admitLatencyP99Micros: figure(latency, 0.99),
        admitDurableP50Micros: figure(durable, 0.5),
    };
}

/** Without the first ones, which the compiler has not seen. */
function figure(micros: readonly number[], share: number): number {
    return rounded(quantile(micros.slice(Math.floor(micros.length / 5)), share));
}
