import type { Clock } from '../../../base';
import { ChainError } from '../errors';

const defaultManualStartSec = 1_767_225_600;
const latestTimeSec = 4_200_000_000;

/** Chain time: wall clock plus an offset (or a standing start time plus it) that only ever grows. */
export class ChainTime {
    private latestSec = 0;

    constructor(
        private readonly clock: Clock,
        private readonly mode: 'wall' | 'manual',
        private readonly manualStartSec: number,
        private offset: number,
    ) {}

    /** The genesis time and the offset that makes the chain begin there. */
    static genesis(clock: Clock, mode: 'wall' | 'manual', startTimeSec?: number): { startSec: number; offset: number } {
        if (mode === 'manual') return { startSec: startTimeSec ?? defaultManualStartSec, offset: 0 };
        const wallSec = Math.floor(clock.nowMs() / 1000);
        const startSec = startTimeSec ?? wallSec;
        return { startSec, offset: startSec - wallSec };
    }

    get offsetSec(): number {
        return this.offset;
    }

    nowSec(): number {
        const base = this.mode === 'manual' ? this.manualStartSec : Math.floor(this.clock.nowMs() / 1000);
        this.latestSec = Math.max(this.latestSec, base + this.offset);
        return this.latestSec;
    }

    /** Time never runs backwards, not even over a restart on a machine whose clock was set back. */
    notBefore(timeSec: number): void {
        this.latestSec = Math.max(this.latestSec, timeSec);
    }

    checkWarp(seconds: number): void {
        if (!Number.isSafeInteger(seconds) || seconds < 0) {
            throw new ChainError('malformed_request', 'seconds: time moves forward only, in whole seconds');
        }
        if (this.nowSec() + seconds > latestTimeSec) {
            throw new ChainError('malformed_request', 'seconds: beyond the last time TVM can hold');
        }
    }

    warp(seconds: number): void {
        this.offset += seconds;
    }

    restoreOffset(offsetSec: number): void {
        this.offset = offsetSec;
    }
}
