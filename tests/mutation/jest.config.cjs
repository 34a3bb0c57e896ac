const path = require('node:path');
const base = require('../../jest.config.cjs');

/** For a copy whose bindings were compiled from changed contracts: they must not be built again. Slow is not wrong. */
module.exports = {
    ...base,
    rootDir: path.resolve(__dirname, '../..'),
    globalSetup: undefined,
    testTimeout: 200_000,
};
