/** Contracts are built once before the suite when their sources changed; TypeScript is transpiled by swc. */
module.exports = {
    testEnvironment: 'node',
    testMatch: ['<rootDir>/tests/**/*.spec.ts'],
    globalSetup: '<rootDir>/tests/support/global-setup.cjs',
    // Specs of contracts emulate a chain as the devnet does.
    setupFiles: ['<rootDir>/keepers/devnet/chain/core/fast-cells.ts'],
    transform: {
        '^.+\\.(ts|mts|js|mjs)$': [
            '@swc/jest',
            { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
        ],
    },
    // Packages that ship ES modules only; jest runs CommonJS.
    transformIgnorePatterns: ['/node_modules/(?!(p-queue|p-timeout|eventemitter3|@hpke|hpke|@panva|@noble)/)'],
    modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/'],
    testTimeout: 60_000,
    maxWorkers: 2,
};
