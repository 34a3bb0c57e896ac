#!/usr/bin/env node
'use strict';
/** Fills dist/ for `npm pack`: contracts compiled, TypeScript compiled with its types, and the one file that is neither. */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { buildContracts } = require('../../contracts/build.cjs');

const root = path.resolve(__dirname, '..', '..');
const toyModel = path.join('keepers', 'node', 'model', 'cocoon-toy.gguf');

async function buildPackage() {
    await buildContracts();
    fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });
    const tsc = require.resolve('typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.build.json')], {
        cwd: root,
        stdio: 'inherit',
    });
    fs.copyFileSync(path.join(root, toyModel), path.join(root, 'dist', toyModel));
}

buildPackage().catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
});
