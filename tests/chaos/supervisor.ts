import { errorMessage } from '../../keepers/base';
import type { LocalNetwork } from '../../keepers/devnet';
import { childWithConfig } from './child-pids';
import type { Diary } from './diary';

const lookMs = 150;
const firstDelayMs = 200;
const maxDelayMs = 4_000;

interface Place {
    /** Faults that keep it down now. */
    holds: number;
    starting: boolean;
    failures: number;
    notBeforeMs: number;
}

/** Starts every role again that has ended, as a service manager does, unless a fault holds it down. */
export class Supervisor {
    private readonly places = new Map<string, Place>();
    private timer: NodeJS.Timeout | undefined;
    starts = 0;

    constructor(
        private readonly network: LocalNetwork,
        private readonly diary: Diary,
        /** Before a role starts again. */
        private readonly prepare: (name: string) => void,
    ) {}

    start(): void {
        this.timer ??= setInterval(() => this.look(), lookMs);
    }

    /** Waits for starts that are under way: one that comes after the network has stopped would outlive it. */
    async stop(): Promise<void> {
        clearInterval(this.timer);
        this.timer = undefined;
        while ([...this.places.values()].some(({ starting }) => starting))
            await new Promise((resolve) => setTimeout(resolve, lookMs));
    }

    hold(name: string): void {
        this.placeOf(name).holds += 1;
    }

    release(name: string): void {
        this.placeOf(name).holds -= 1;
    }

    /** Also to one that is only starting. False where none was there to get it. */
    signal(name: string, signal: NodeJS.Signals): boolean {
        const role = this.network.processes.get(name);
        const pid = role?.running === true ? role.pid : childWithConfig(this.network.layout.config(name));
        if (pid === undefined) return false;
        try {
            return process.kill(pid, signal);
        } catch {
            // Gone between two looks.
            return false;
        }
    }

    isUp(name: string): boolean {
        return this.network.processes.get(name)?.running === true;
    }

    /** Roles that should run and do not. */
    get missing(): string[] {
        return [...this.network.processes].flatMap(([name, role]) =>
            !role.running && this.placeOf(name).holds === 0 ? [name] : [],
        );
    }

    private placeOf(name: string): Place {
        const known = this.places.get(name);
        if (known !== undefined) return known;
        const place = { holds: 0, starting: false, failures: 0, notBeforeMs: 0 };
        this.places.set(name, place);
        return place;
    }

    private look(): void {
        for (const name of this.missing) {
            const place = this.placeOf(name);
            if (!place.starting && performance.now() >= place.notBeforeMs) void this.revive(name, place);
        }
    }

    private async revive(name: string, place: Place): Promise<void> {
        place.starting = true;
        try {
            this.prepare(name);
            await this.network.restart(name);
            place.failures = 0;
            this.starts += 1;
            this.diary.note('started', { name });
        } catch (error) {
            place.failures += 1;
            this.diary.note('could not be started', { name, error: errorMessage(error) });
        } finally {
            const delayMs = place.failures === 0 ? 0 : Math.min(firstDelayMs * 2 ** (place.failures - 1), maxDelayMs);
            place.notBeforeMs = performance.now() + delayMs;
            place.starting = false;
        }
    }
}
