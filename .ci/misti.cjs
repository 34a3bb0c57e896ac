#!/usr/bin/env node
'use strict';
/**
 * Runs the static analyser Misti over the contracts. A finding passes only with a written reason in misti-accepted.json,
 * and a reason that no finding needs any more fails too.
 */
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const { disabled, accepted } = require('./misti-accepted.json');

const args = [
    'tact.config.json',
    '--no-souffle',
    '--no-colors',
    '-o',
    'json',
    '-dd',
    disabled.map(({ detector }) => detector).join(','),
];
const run = spawnSync(path.join(root, 'node_modules', '.bin', 'misti'), args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    maxBuffer: 64 << 20,
});
const output = `${run.stdout}${run.stderr}`;
const start = output.indexOf('{');
if (start < 0) {
    console.error(`misti gave no result (${run.error?.message ?? `exit ${run.status}`}):\n${output.slice(-2000)}`);
    process.exit(1);
}
const { warnings } = JSON.parse(output.slice(start, output.lastIndexOf('}') + 1));
const used = new Set();
const open = warnings.filter((warning) => {
    const rule = accepted.find(
        ({ detector, text }) => detector === warning.detectorId && new RegExp(text).test(warning.description),
    );
    if (rule) used.add(rule);
    return !rule;
});
for (const { detectorId, description, location } of open) {
    console.error(`${path.relative(root, location.file)}:${location.line}: ${detectorId}: ${description}`);
}
for (const rule of accepted.filter((rule) => !used.has(rule)))
    console.error(`nothing needs the accepted finding any more: ${rule.detector} ${rule.text}`);
console.log(`misti: ${warnings.length} findings, ${warnings.length - open.length} with a written reason`);
process.exit(open.length > 0 || used.size < accepted.length ? 1 : 0);
