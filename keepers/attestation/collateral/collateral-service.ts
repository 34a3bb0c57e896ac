import { systemClock, type Clock } from '../../base';
import type { Collateral } from '../collateral-shape';
import { AttestationError } from '../errors';
import { expiryOf, partKeys, partNames, type CollateralNeeds, type CollateralPart, type PartKind } from './parts';
import type { PcsClient } from './pcs-client';

export interface CollateralServiceOptions {
    /** Absent: offline, only what was loaded is served. */
    client?: Pick<PcsClient, 'fetchPart'>;
    clock?: Clock;
    /** A part older than this is fetched again, though it serves as long as it is in force. */
    refreshAfterMs?: number;
    /** After a failure, no further try before this, doubling up to the hour. */
    firstBackOffMs?: number;
    /** Families remembered; the one longest unused gives way. */
    maxParts?: number;
}

interface Slot {
    part: CollateralPart | null;
    pending: Promise<CollateralPart> | null;
    failures: number;
    /** By the monotonic clock. */
    notBeforeMs: number;
}

const hourMs = 3_600_000;

/**
 * Collateral from a service, never from the prover: cached by part, fetched again in good time, and served from the cache
 * while the service is down, for as long as it is in force. What it hands out is verified with each piece of evidence, so
 * a service that lies can at most keep evidence from being accepted.
 */
export class CollateralService {
    private readonly slots = new Map<string, Slot>();
    private readonly clock: Clock;

    constructor(private readonly options: CollateralServiceOptions) {
        this.clock = options.clock ?? systemClock;
    }

    async collateralFor(needs: CollateralNeeds): Promise<Collateral> {
        const names = partNames(needs);
        const kinds = Object.keys(names) as PartKind[];
        // All are awaited, so that no request outlives the call that made it.
        const results = await Promise.allSettled(kinds.map((kind) => this.partFor(kind, needs)));
        const texts = results.map((result) => {
            if (result.status === 'rejected') {
                throw result.reason;
            }
            return result.value.texts;
        });
        return Object.assign({}, ...texts) as Collateral;
    }

    /** Parts that go out of force within `withinMs`: what an expiry watch warns of. */
    expiringParts(withinMs: number): { name: string; expiresAtMs: number }[] {
        const limit = this.clock.nowMs() + withinMs;
        return [...this.slots]
            .flatMap(([name, { part }]) =>
                part && part.expiresAtMs <= limit ? [{ name, expiresAtMs: part.expiresAtMs }] : [],
            )
            .sort((a, b) => a.expiresAtMs - b.expiresAtMs);
    }

    /** All parts held, for an offline bundle. */
    exportParts(): Record<string, CollateralPart> {
        return Object.fromEntries([...this.slots].flatMap(([name, { part }]) => (part ? [[name, part]] : [])));
    }

    /** Takes parts from an offline bundle; newer ones already held stay. */
    importParts(parts: Record<string, CollateralPart>): void {
        for (const [name, part] of Object.entries(parts)) {
            const slot = this.slot(name);
            if (slot.part === null || slot.part.fetchedAtMs < part.fetchedAtMs) {
                slot.part = part;
            }
        }
    }

    private async partFor(kind: PartKind, needs: CollateralNeeds): Promise<CollateralPart> {
        const slot = this.slot(partNames(needs)[kind]);
        const now = this.clock.nowMs();
        const held = slot.part !== null && slot.part.expiresAtMs > now ? slot.part : null;
        // What was fetched while the clock was ahead would pass for fresh until then.
        const ageMs = now - (held?.fetchedAtMs ?? 0);
        const isYoung = ageMs >= 0 && ageMs < (this.options.refreshAfterMs ?? 6 * hourMs);
        if (held && (isYoung || !this.mayFetch(slot))) {
            return held;
        }
        try {
            return await this.fetchOnce(slot, kind, needs);
        } catch (error) {
            if (held) {
                return held;
            }
            throw error;
        }
    }

    private mayFetch({ pending, notBeforeMs }: Slot): boolean {
        const { client } = this.options;
        return client !== undefined && (pending !== null || this.clock.monotonicMs() >= notBeforeMs);
    }

    /** Callers that ask at the same time share one request. */
    private fetchOnce(slot: Slot, kind: PartKind, needs: CollateralNeeds): Promise<CollateralPart> {
        if (!this.mayFetch(slot)) {
            const why = this.options.client ? 'failed a moment ago and is not asked again yet' : 'is not configured';
            throw new AttestationError(
                'collateral_unavailable',
                `no ${kind} in force is held, and the collateral service ${why}`,
            );
        }
        slot.pending ??= this.fetchPart(slot, kind, needs).finally(() => {
            slot.pending = null;
        });
        return slot.pending;
    }

    private async fetchPart(slot: Slot, kind: PartKind, needs: CollateralNeeds): Promise<CollateralPart> {
        try {
            const texts = await this.options.client!.fetchPart(kind, needs);
            const now = this.clock.nowMs();
            const part = { texts, fetchedAtMs: now, expiresAtMs: requireExpiry(kind, texts, now) };
            Object.assign(slot, { part, failures: 0, notBeforeMs: 0 });
            return part;
        } catch (error) {
            slot.failures++;
            const backOffMs = Math.min(hourMs, (this.options.firstBackOffMs ?? 5_000) * 2 ** (slot.failures - 1));
            slot.notBeforeMs = this.clock.monotonicMs() + backOffMs;
            throw error;
        }
    }

    private slot(name: string): Slot {
        const slot = this.slots.get(name) ?? { part: null, pending: null, failures: 0, notBeforeMs: 0 };
        this.slots.delete(name);
        if (this.slots.size >= (this.options.maxParts ?? 256)) {
            this.slots.delete(this.slots.keys().next().value!);
        }
        this.slots.set(name, slot);
        return slot;
    }
}

function requireExpiry(kind: PartKind, texts: Partial<Collateral>, now: number): number {
    let expiresAtMs: number;
    try {
        expiresAtMs = expiryOf(kind, texts);
    } catch (error) {
        throw new AttestationError(
            'collateral_malformed',
            `the collateral service serves an unreadable ${kind}`,
            error,
        );
    }
    const complete = partKeys[kind].every((key) => typeof texts[key] === 'string');
    if (!complete || expiresAtMs <= now) {
        throw new AttestationError(
            'collateral_malformed',
            `the collateral service serves a ${kind} that is out of force`,
        );
    }
    return expiresAtMs;
}
