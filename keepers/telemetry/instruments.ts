import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds: from a cached answer to a long generation. */
export const requestSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** Seconds: a commit that the disk takes at once, up to one that stalls. */
export const commitSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
export const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** A gauge read when it is scraped: nothing is set on the way, so the hot path pays nothing. Undefined shows no sample. */
export function pulledGauge(registry: Registry, name: string, help: string, read: () => number | undefined): void {
    new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
            const value = read();
            if (value === undefined) this.reset();
            else this.set(value);
        },
    });
}

/** The same for a row of gauges; what is not read any more is gone from the next scrape. */
export function pulledGauges<Label extends string>(
    registry: Registry,
    about: { name: string; help: string; label: Label },
    read: () => Iterable<readonly [label: string, value: number]>,
): void {
    const { name, help, label } = about;
    new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        collect() {
            this.reset();
            for (const [value, number] of read()) this.set({ [label]: value } as Record<Label, string>, number);
        },
    });
}

/** Counters that something else counts already. */
export function pulledCounters<Label extends string>(
    registry: Registry,
    about: { name: string; help: string; label: Label },
    read: () => Iterable<readonly [label: string, value: number]>,
): void {
    const { name, help, label } = about;
    new Counter({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        collect() {
            this.reset();
            for (const [value, number] of read()) this.inc({ [label]: value } as Record<Label, string>, number);
        },
    });
}

export function counter<Label extends string>(
    registry: Registry,
    name: string,
    help: string,
    ...labelNames: Label[]
): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [registry] });
}

export function histogram(registry: Registry, name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [registry] });
}

/** Prometheus counts in doubles, which hold nanoTON exactly up to nine million TON: metrics are for watching, never for money. */
export function nanoAsNumber(amountNano: bigint): number;
export function nanoAsNumber(amountNano: bigint | undefined): number | undefined;
export function nanoAsNumber(amountNano: bigint | undefined): number | undefined {
    return amountNano === undefined ? undefined : Number(amountNano);
}
