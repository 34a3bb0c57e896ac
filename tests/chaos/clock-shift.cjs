'use strict';
/**
 * Loaded into every role before anything else (NODE_OPTIONS), to set its clock wrong and to make a day pass in an hour. It
 * exists here alone: no keeper knows of it. In the folder COCOON_CHAOS_CLOCKS,
 * - a file with a role's name holds how many milliseconds its wall clock is off; timers keep their pace, as they do when a
 *   machine's clock is set;
 * - `pace` holds "since factor": from that moment (real, ms) on time runs so many times as fast, for all roles alike, by the
 *   wall clock and by `process.hrtime.bigint`, which durations are measured with; `performance.now` stays, for it measures
 *   work, and waits for what the machine does. Timers
 *   of a second and more, set from then on, run as fast, but none becomes shorter than a second: it may poll, beat or wait for
 *   a machine, which is as slow as ever. Shorter ones keep theirs.
 */
const { readFileSync } = require('node:fs');
const path = require('node:path');

const folder = process.env.COCOON_CHAOS_CLOCKS;
const configAt = process.argv.indexOf('--config') + 1;
const lookMs = 100;
/** Real. */
const leastMs = 1_000;

if (folder !== undefined && configAt > 0) {
    const RealDate = Date;
    const role = path.basename(process.argv[configAt], '.json');
    let offsetMs = 0;
    let since = 0;
    let factor = 1;

    const read = (name) => {
        try {
            return readFileSync(path.join(folder, name), 'utf8');
        } catch {
            return '';
        }
    };
    const look = () => {
        offsetMs = Number(read(role)) || 0;
        const [start, times] = read('pace').split(' ').map(Number);
        if (times > 0) [since, factor] = [start, times];
    };
    const gainedMs = () => (RealDate.now() - since) * (factor - 1);
    const now = () => Math.floor(RealDate.now() + gainedMs() + offsetMs);
    const hrtime = process.hrtime.bigint;
    process.hrtime.bigint = () => hrtime() + BigInt(Math.round(gainedMs() * 1e6));

    class ShiftedDate extends RealDate {
        constructor(...parts) {
            if (parts.length === 0) super(now());
            else super(...parts);
        }
        static now() {
            return now();
        }
        static [Symbol.hasInstance](value) {
            return value instanceof RealDate;
        }
    }
    Object.defineProperty(globalThis, 'Date', { value: ShiftedDate, writable: true, configurable: true });

    for (const name of ['setTimeout', 'setInterval']) {
        const real = globalThis[name];
        const paced = (act, delayMs, ...rest) =>
            real(act, Math.max(delayMs / factor, Math.min(delayMs, leastMs)), ...rest);
        // util.promisify finds the promise form of a timer by this.
        Object.assign(paced, real);
        for (const symbol of Object.getOwnPropertySymbols(real))
            Object.defineProperty(paced, symbol, Object.getOwnPropertyDescriptor(real, symbol));
        globalThis[name] = paced;
    }

    look();
    const { setInterval: tick } = require('node:timers');
    tick(look, lookMs).unref();
}
