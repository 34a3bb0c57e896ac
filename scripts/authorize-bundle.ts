import { actScript } from '../keepers/operator/script';

/** Lets one key bundle be recorded under your provider without the operator key’s signature. */
export const run = actScript('authorize-bundle');
