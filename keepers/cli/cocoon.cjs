#!/usr/bin/env node
'use strict';
/**
 * Entry of `npx cocoon`. In a checkout it runs the TypeScript sources (building the contracts first when they
 * changed), so there is no build step to remember; in an installed package it runs the compiled files.
 */
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');
const source = path.join(root, 'keepers', 'cli', 'main.ts');
const compiled = path.join(root, 'dist', 'keepers', 'cli', 'main.js');

async function start() {
    if (!fs.existsSync(source)) return require(compiled);
    const { buildContracts } = require(path.join(root, 'contracts', 'build.cjs'));
    await buildContracts();
    require('./typescript-sources.cjs');
    return require(source);
}

start()
    .then((program) => program.main(process.argv))
    .catch((error) => {
        process.stderr.write(`cocoon: ${error instanceof Error ? error.message : error}\n`);
        process.exitCode = 2;
    });
