#!/usr/bin/env node
'use strict';
/**
 * Everything that says "ready", in the order in which a mistake is cheapest to find. Stops at the first failure.
 * `--fast` leaves out what needs the contracts.
 */
const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const fast = process.argv.includes('--fast');
const summaryFile = path.join(root, '.cache', 'jest-summary.json');
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

function tactFiles(dir) {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const full = path.join(dir, entry.name);
        if (entry.isDirectory()) return tactFiles(full);
        return entry.name.endsWith('.tact') ? [full] : [];
    });
}

const steps = [
    ['format', bin('prettier'), ['--check', '.']],
    ['contracts', process.execPath, ['contracts/build.cjs'], 'slow'],
    ['tact-fmt', bin('tact-fmt'), ['--check', ...tactFiles(path.join(root, 'contracts'))], 'slow'],
    ['misti', process.execPath, ['.ci/misti.cjs'], 'slow'],
    ['lint', bin('eslint'), ['.', '--max-warnings', '0'], 'slow'],
    ['types', bin('tsc'), ['-p', 'tsconfig.json'], 'slow'],
    ['tests', 'npm', ['test', '--', '--json', `--outputFile=${summaryFile}`], 'slow'],
    ['fees', process.execPath, ['tests/support/run-under-fees.cjs'], 'slow'],
];

function printSummary() {
    if (!existsSync(summaryFile)) return;
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(summaryFile, 'utf8'));
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    console.log(`${numPassedTests} passed, ${numFailedTests} failed${skipped}`);
}

rmSync(summaryFile, { force: true });
for (const [name, command, args, weight] of steps) {
    if (fast && weight === 'slow') continue;
    const startedAt = Date.now();
    console.log(`== ${name}`);
    // jest's JSON goes to a file; its report for people goes to standard error.
    const stdio = name === 'tests' ? ['ignore', 'ignore', 'inherit'] : ['ignore', 'inherit', 'inherit'];
    const { status } = spawnSync(command, args, { cwd: root, stdio });
    if (status !== 0) {
        console.error(`== ${name}: failed after ${Math.round((Date.now() - startedAt) / 1000)} s`);
        printSummary();
        process.exit(1);
    }
    console.log(`== ${name}: fine, ${Math.round((Date.now() - startedAt) / 1000)} s`);
}
printSummary();
