#!/usr/bin/env node
'use strict';
/**
 * Runs the static analyser Misti over the contracts. A finding passes only with a written reason in misti-accepted.json,
 * and a reason that no finding needs any more fails too.
 */
const { spawnSync } = require('node:child_process');
const { closeSync, mkdirSync, openSync, readFileSync } = require('node:fs');
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
// A file, not a pipe: Misti ends before a pipe has taken all it wrote.
mkdirSync(path.join(root, '.cache'), { recursive: true });
const outputFile = path.join(root, '.cache', 'misti.json');
const file = openSync(outputFile, 'w');
const run = spawnSync(path.join(root, 'node_modules', '.bin', 'misti'), args, {
    cwd: root,
    stdio: ['ignore', file, file],
    timeout: 120_000,
});
closeSync(file);
const output = readFileSync(outputFile, 'utf8');
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
