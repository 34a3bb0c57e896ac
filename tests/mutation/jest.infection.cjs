const path = require('node:path');
const base = require('./jest.config.cjs');

/** For a copy whose bindings were compiled from instrumented contracts. */
module.exports = {
    ...base,
    testEnvironment: path.join(__dirname, 'infection-environment.cjs'),
    setupFiles: [...base.setupFiles, path.join(__dirname, 'signals.cjs')],
};
