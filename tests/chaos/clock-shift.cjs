'use strict';
/**
 * Loaded into every role of a storm before anything else (NODE_OPTIONS): the wall clock runs as far off as the role's file
 * in COCOON_CHAOS_CLOCKS says, in milliseconds. Timers keep their pace, as they do when a machine's clock is set. It exists
 * here alone: no keeper knows of it.
 */
const { readFileSync } = require('node:fs');
const path = require('node:path');

const folder = process.env.COCOON_CHAOS_CLOCKS;
const config = process.argv[process.argv.indexOf('--config') + 1];
const lookMs = 100;

if (folder !== undefined && process.argv.includes('--config')) {
    const file = path.join(folder, path.basename(config, '.json'));
    const RealDate = Date;
    let offsetMs = 0;
    const look = () => {
        try {
            offsetMs = Number(readFileSync(file, 'utf8')) || 0;
        } catch {
            offsetMs = 0;
        }
    };
    class ShiftedDate extends RealDate {
        constructor(...parts) {
            if (parts.length === 0) super(ShiftedDate.now());
            else super(...parts);
        }
        static now() {
            return RealDate.now() + offsetMs;
        }
        static [Symbol.hasInstance](value) {
            return value instanceof RealDate;
        }
    }
    Object.defineProperty(globalThis, 'Date', { value: ShiftedDate, writable: true, configurable: true });
    look();
    setInterval(look, lookMs).unref();
}
