#!/usr/bin/env node
'use strict';
/**
 * Builds the Tact contracts into build/<Name>/ when a source, the config or the compiler changed.
 * Safe to call from several processes at once: one builds, the others wait.
 */
const { createHash } = require('node:crypto');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const root = path.resolve(__dirname, '..');
const stampFile = path.join(root, 'build', '.stamp');
const lockDir = path.join(root, 'build', '.lock');
const staleLockMs = 180_000;

function tactSources(dir) {
    return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const full = path.join(dir, entry.name);
        if (entry.isDirectory()) return tactSources(full);
        return entry.name.endsWith('.tact') ? [full] : [];
    });
}

function sourceDigest() {
    const hash = createHash('sha256');
    const compiler = require('@tact-lang/compiler/package.json').version;
    hash.update(`tact ${compiler}\n`);
    for (const file of [path.join(root, 'tact.config.json'), ...tactSources(path.join(root, 'contracts')).sort()]) {
        hash.update(`${path.relative(root, file)}\n`).update(fs.readFileSync(file));
    }
    return hash.digest('hex');
}

function isFresh(digest) {
    return fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === digest;
}

async function acquireLock() {
    fs.mkdirSync(path.dirname(lockDir), { recursive: true });
    for (;;) {
        try {
            fs.mkdirSync(lockDir);
            return;
        } catch (error) {
            if (error.code !== 'EEXIST') throw error;
        }
        const age = Date.now() - (fs.statSync(lockDir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
        if (age > staleLockMs) fs.rmSync(lockDir, { recursive: true, force: true });
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

async function compile() {
    const tact = path.join(path.dirname(require.resolve('@tact-lang/compiler/package.json')), 'bin', 'tact.js');
    try {
        await promisify(execFile)(
            process.execPath,
            [tact, '--config', path.join(root, 'tact.config.json'), '--quiet'],
            {
                cwd: root,
                maxBuffer: 16 * 1024 * 1024,
            },
        );
    } catch (error) {
        throw new Error(`Tact build failed:\n${error.stdout ?? ''}${error.stderr ?? ''}`);
    }
}

/** @returns {Promise<boolean>} whether a build ran */
async function buildContracts() {
    const digest = sourceDigest();
    if (isFresh(digest)) return false;
    await acquireLock();
    try {
        if (isFresh(digest)) return false;
        await compile();
        fs.writeFileSync(stampFile, digest);
        return true;
    } finally {
        fs.rmSync(lockDir, { recursive: true, force: true });
    }
}

module.exports = { buildContracts };

if (require.main === module) {
    buildContracts().then(
        (built) => console.log(built ? 'contracts: built' : 'contracts: up to date'),
        (error) => {
            console.error(error.message);
            process.exit(1);
        },
    );
}
