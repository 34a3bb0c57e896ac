'use strict';
const { appendFileSync } = require('node:fs');
const { TestEnvironment } = require('jest-environment-node');

/** Writes down, test by test, which mutants the instrumented contracts say it would notice; signals.cjs hears them. */
module.exports = class InfectionEnvironment extends TestEnvironment {
    async setup() {
        await super.setup();
        this.global.cocoonSignals = new Set();
    }

    handleTestEvent({ name, test }) {
        // What hooks signalled between two tests may matter to every test of the file.
        if (name === 'test_start') this.report(null);
        if (name === 'test_done') this.report({ name: fullName(test), ms: test.duration ?? 0 });
        if (name === 'run_finish') this.report(null);
    }

    report(test) {
        const signals = this.global.cocoonSignals;
        if (test !== null || signals.size > 0) {
            appendFileSync(process.env.COCOON_SIGNALS, `${JSON.stringify({ test, mutants: [...signals] })}\n`);
        }
        signals.clear();
    }
};

function fullName(test) {
    const names = [];
    for (let at = test; at.parent !== undefined; at = at.parent) names.unshift(at.name);
    return names.join(' ');
}
