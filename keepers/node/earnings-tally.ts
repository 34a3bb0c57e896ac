import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Clock, errorMessage } from '../base';
import { replaceFile } from '../config';
import { NodeError } from './errors';

const rowSchema = z.object({
    requests: z.int().min(0),
    costNano: z
        .string()
        .regex(/^\d{1,29}$/)
        .transform(BigInt),
});
const tallySchema = z.object({
    version: z.literal(1),
    days: z.record(z.string().regex(/^\d{4}-\d\d-\d\d$/), z.record(z.string(), rowSchema)),
});

export interface TallyRow {
    /** UTC, such as 2026-11-23. */
    day: string;
    model: string;
    requests: number;
    costNano: bigint;
}

/** More days than any report asks for; older ones are still in the receipt log. */
const keptDays = 400;

/**
 * Sums by day and model. Receipts name no model, and what model one request asked for is not for the host to know: only
 * these sums leave the TEE. They are for people; what is owed follows from the receipt log alone.
 */
export class EarningsTally {
    private changed = false;

    private constructor(
        private readonly file: string,
        private readonly clock: Clock,
        private readonly days: Map<string, Map<string, Omit<TallyRow, 'day' | 'model'>>>,
    ) {}

    /** @throws NodeError when the file is damaged */
    static open(file: string, clock: Clock): EarningsTally {
        const days: EarningsTally['days'] = new Map();
        for (const { day, model, ...row } of readEarningsTally(file)) dayOf(days, day).set(model, row);
        return new EarningsTally(file, clock, days);
    }

    add(model: string, costNano: bigint): void {
        const day = dayOf(this.days, new Date(this.clock.nowMs()).toISOString().slice(0, 10));
        const known = day.get(model) ?? { requests: 0, costNano: 0n };
        day.set(model, { requests: known.requests + 1, costNano: known.costNano + costNano });
        this.changed = true;
    }

    save(): void {
        if (!this.changed) return;
        for (const day of [...this.days.keys()].sort().slice(0, -keptDays)) this.days.delete(day);
        const days = Object.fromEntries([...this.days].map(([day, models]) => [day, Object.fromEntries(models)]));
        const asText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
        replaceFile(this.file, `${JSON.stringify({ version: 1, days }, asText, 4)}\n`, { synced: false });
        this.changed = false;
    }
}

function dayOf<Row>(days: Map<string, Map<string, Row>>, day: string): Map<string, Row> {
    const known = days.get(day) ?? new Map<string, Row>();
    days.set(day, known);
    return known;
}

/** Oldest day first; empty when nothing was earned yet. @throws NodeError */
export function readEarningsTally(file: string): TallyRow[] {
    try {
        const { days } = tallySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
        const rows = Object.entries(days).flatMap(([day, models]) =>
            Object.entries(models).map(([model, row]) => ({ day, model, ...row })),
        );
        return rows.sort((a, b) => a.day.localeCompare(b.day) || a.model.localeCompare(b.model));
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw new NodeError(
            'status_unreadable',
            `${file}: ${errorMessage(error)}: move it away, the receipt log has the sums`,
            {
                cause: error,
            },
        );
    }
}
