'use strict';
const { writeSync } = require('node:fs');
const path = require('node:path');
const { TestEnvironment } = require('jest-environment-node');

/** Jest's --bail runs a file to its end; here one failure says all, and ends the process with what failed. */
module.exports = class FirstFailureEnvironment extends TestEnvironment {
    constructor(config, context) {
        super(config, context);
        this.spec = path.relative(config.projectConfig.rootDir, context.testPath);
    }

    handleTestEvent({ name, test }) {
        if (name !== 'test_done' || test.errors.length === 0) return;
        const names = [];
        for (let at = test; at.parent !== undefined; at = at.parent) names.unshift(at.name);
        // A test that a busy machine was too slow for says nothing about the contracts, which cannot run for long.
        const isLate = test.errors.flat().some((error) => /Exceeded timeout of/.test(String(error?.message ?? error)));
        writeSync(2, `\n${JSON.stringify({ failed: names.join(' > '), spec: this.spec, isLate })}\n`);
        process.exit(1);
    }
};
