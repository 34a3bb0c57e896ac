#!/usr/bin/env node
'use strict';
/**
 * `npm run test:fees`: the contracts' tests under prices six times dearer than the sandbox's, and under those of mainnet, a
 * sixth of them. Left out is what no price
 * reaches: cells, signatures and the verdicts on quotes.
 */
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');
const withoutMoney = ['/attestation/', 'key-bundle.spec', 'receipts.spec', 'receipt-suites.spec'];

for (const prices of ['x6', 'mainnet']) {
    console.error(`== prices: ${prices}`);
    const { status } = spawnSync(
        process.execPath,
        [
            path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
            'tests/contracts',
            ...withoutMoney.flatMap((pattern) => ['--testPathIgnorePatterns', pattern]),
            ...process.argv.slice(2),
        ],
        {
            cwd: root,
            stdio: ['ignore', 'ignore', 'inherit'],
            env: { ...process.env, COCOON_TEST_FEES: prices },
            timeout: 900_000,
        },
    );
    if (status !== 0) process.exit(1);
}
