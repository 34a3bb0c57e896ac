const path = require('node:path');
const base = require('./jest.config.cjs');

/** For a copy whose bindings have all mutants in them: every test meets those that it is planned for. */
module.exports = {
    ...base,
    testEnvironment: path.join(__dirname, 'mutant-environment.cjs'),
    setupFiles: [...base.setupFiles, path.join(__dirname, 'mutant-switch.cjs')],
};
