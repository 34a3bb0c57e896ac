import { type ChooseFault, type Fault, faults } from './faults';

/** 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    };
}

export interface SeededFaultsOptions {
    seed: number;
    /** Share of requests that something happens to, 0 to 1. */
    rate: number;
    /** All of them when absent. */
    among?: readonly Fault[];
}

/** Faults at random, for storms. */
export function seededFaults({ seed, rate, among = faults }: SeededFaultsOptions): ChooseFault {
    const random = seededRandom(seed);
    return () => (random() < rate ? among[Math.floor(random() * among.length)]! : null);
}
