import { z } from 'zod';
import type { RoleTelemetry } from './telemetry';

/** A role that can stop taking work without stopping. */
export interface Drainable {
    readonly inFlight: number;
    setDraining(draining: boolean): void;
}

/** For a restart that nobody notices: no new work, what runs ends by itself, and the process stays until it is stopped. */
export function addDrainActs(telemetry: RoleTelemetry, role: Drainable): void {
    const act = (draining: boolean) => async () => {
        role.setDraining(draining);
        telemetry.readiness.setDraining(draining);
        return { draining, inFlight: role.inFlight };
    };
    telemetry.addAct('drain', {
        description: 'take no new work; what runs ends by itself',
        body: z.strictObject({}),
        run: act(true),
    });
    telemetry.addAct('resume', { description: 'take work again', body: z.strictObject({}), run: act(false) });
}
