import { actScript } from '../keepers/operator/script';

/** Gives the registry another guardian (proposed, then executed after the delay). */
export const run = actScript('set-guardian');
