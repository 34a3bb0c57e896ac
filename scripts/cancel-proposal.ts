import { actScript } from '../keepers/operator/script';

/** Stops a proposal (owner; guardian unless it replaces owner or guardian). */
export const run = actScript('cancel-proposal');
