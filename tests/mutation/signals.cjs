'use strict';
/**
 * Hears what the instrumented contracts say on the debug log, whichever way the sandbox ran them. The log comes within that of
 * the whole run, of which the emulator keeps but the last lines unless it is asked for all.
 */
const { Executor } = require('@ton/sandbox/dist/executor/Executor');

function hear(debugLogs) {
    for (const [, number] of debugLogs.matchAll(/^#DEBUG#: s0 = (\d+)$/gm))
        globalThis.cocoonSignals.add(Number(number));
}

for (const method of ['runTransaction', 'runTickTock', 'runGetMethod']) {
    const run = Executor.prototype[method];
    Executor.prototype[method] = async function (args) {
        const answer = await run.call(this, { ...args, verbosity: 'full' });
        hear(answer.debugLogs);
        return quiet(answer);
    };
}

/** Without the logs, which tests do not ask for and which would fill the memory. */
function quiet(answer) {
    if (answer.result?.vmLog !== undefined) answer.result.vmLog = '';
    return { ...answer, logs: '', debugLogs: '' };
}
