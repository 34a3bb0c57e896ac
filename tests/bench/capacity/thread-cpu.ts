import { WASI } from 'node:wasi';

/** Of the global that Node has and its types do not. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** `CLOCKID_THREAD_CPUTIME_ID` of WASI preview 1: nanoseconds that the calling thread has run. */
const threadCpuClock = 3;

/**
 * Microseconds of CPU that this thread has used: work, system calls and its pauses for garbage, but not the time in which
 * another process or thread had the core. Node has no call for it before 23.9; its WASI layer reads the same clock.
 */
export const threadCpuMicros = readerOf(threadCpuClock);

function readerOf(clock: number): () => number {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const wasi = new WASI({ version: 'preview1' });
    wasi.initialize({ exports: { memory } });
    const answer = new BigUint64Array(memory.buffer, 0, 1);
    const read = wasi.wasiImport['clock_time_get'] as (clock: number, precision: bigint, at: number) => number;
    return () => {
        const failure = read(clock, 0n, 0);
        if (failure !== 0) throw new Error(`this machine has no clock of a thread's CPU time (WASI error ${failure})`);
        return Number(answer[0]!) / 1_000;
    };
}
