import type { Registry } from 'prom-client';
import { counter, pulledGauge, pulledGauges } from '../instruments';

/** Collateral on chain: Intel's pieces and until when each holds. */
export interface CollateralPiece {
    kind: 'tcb_info' | 'qe_identity' | 'revocation_list';
    expiresAt: Date;
}

export class RegistrarMetrics {
    private readonly rounds;
    private readonly posted;
    private lastGoodSec: number | undefined;
    private pieces: readonly CollateralPiece[] = [];

    constructor(registry: Registry) {
        this.rounds = counter(
            registry,
            'cocoon_registrar_rounds_total',
            'Looks at the collateral, by outcome',
            'outcome',
        );
        this.posted = counter(registry, 'cocoon_registrar_posted_total', 'Pieces of collateral posted', 'kind');
        pulledGauge(
            registry,
            'cocoon_registrar_last_success_timestamp_seconds',
            'End of the last look without a failure',
            () => this.lastGoodSec,
        );
        pulledGauges(
            registry,
            {
                name: 'cocoon_collateral_expiry_timestamp_seconds',
                help: 'When the first piece of its kind on chain runs out',
                label: 'kind',
            },
            () => this.firstToExpire(),
        );
    }

    round(failures: number): void {
        this.rounds.inc({ outcome: failures === 0 ? 'good' : 'partial' });
        if (failures === 0) this.lastGoodSec = Date.now() / 1000;
    }

    failed(): void {
        this.rounds.inc({ outcome: 'failed' });
    }

    post(kind: string): void {
        this.posted.inc({ kind: kind.replaceAll(' ', '_') });
    }

    held(pieces: readonly CollateralPiece[]): void {
        this.pieces = pieces;
    }

    /** Null before anything was read. */
    get firstExpiry(): Date | null {
        const times = this.pieces.map(({ expiresAt }) => expiresAt.getTime());
        return times.length === 0 ? null : new Date(Math.min(...times));
    }

    private firstToExpire(): Map<string, number> {
        const first = new Map<string, number>();
        for (const { kind, expiresAt } of this.pieces) {
            const sec = expiresAt.getTime() / 1000;
            first.set(kind, Math.min(first.get(kind) ?? Infinity, sec));
        }
        return first;
    }
}
