/** Why a role is not ready, one row for each thing that is not. */
export interface NotReady {
    /** Stable, from a closed set: it is a label of `cocoon_not_ready`. */
    reason: string;
    /** For people. */
    detail: string;
}

export interface Readiness {
    ready: boolean;
    reasons: NotReady[];
    /** It takes work, and yet somebody should see to this. */
    warnings: NotReady[];
}

/** Null while it is fine, else what to tell people; must be quick and never throw. */
export type ReadinessCheck = () => string | null;

/** Whether a role takes work, and if not, why. Every part adds what it can tell about itself. */
export class ReadinessBook {
    private readonly checks = new Map<string, ReadinessCheck>();
    private readonly warnings = new Map<string, ReadinessCheck>();
    private starting = true;
    private draining = false;
    private stopping = false;

    add(reason: string, check: ReadinessCheck): void {
        this.checks.set(reason, check);
    }

    /** What does not keep the role from its work: an alert, no reason to send nobody to it. */
    addWarning(reason: string, check: ReadinessCheck): void {
        this.warnings.set(reason, check);
    }

    started(): void {
        this.starting = false;
    }

    setDraining(draining: boolean): void {
        this.draining = draining;
    }

    /** For good: no act takes that back. */
    setStopping(): void {
        this.stopping = true;
    }

    look(): Readiness {
        const reasons: NotReady[] = [];
        if (this.starting) reasons.push({ reason: 'starting', detail: 'it has not finished starting' });
        if (this.stopping || this.draining) reasons.push({ reason: 'draining', detail: this.drainingDetail });
        reasons.push(...told(this.checks));
        return { ready: reasons.length === 0, reasons, warnings: told(this.warnings) };
    }

    private get drainingDetail(): string {
        return this.stopping
            ? 'it takes no new work: it is being stopped'
            : 'it takes no new work: an operator drained it, and `cocoon admin resume` has it take work again';
    }
}

function told(checks: ReadonlyMap<string, ReadinessCheck>): NotReady[] {
    return [...checks].flatMap(([reason, check]) => {
        const detail = check();
        return detail === null ? [] : [{ reason, detail }];
    });
}
