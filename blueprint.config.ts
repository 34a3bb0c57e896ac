import { type Config } from '@ton/blueprint';

/** Contracts are built by contracts/build.cjs (tact.config.json); blueprint runs the scripts. */
export const config: Config = {
    separateCompilables: true,
    requestTimeout: 20_000,
};
