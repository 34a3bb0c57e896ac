import { actScript } from '../keepers/operator/script';

/** Executes a proposal whose governance delay has passed; anyone may. */
export const run = actScript('execute-proposal');
