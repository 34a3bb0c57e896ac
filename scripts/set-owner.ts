import { actScript } from '../keepers/operator/script';

/** Gives the registry another owner (proposed, then executed after the delay). */
export const run = actScript('set-owner');
