import { actScript } from '../keepers/operator/script';

/** Lets hubs with a code be listed (proposed, then executed after the delay). */
export const run = actScript('allow-hub-code');
