import { actScript } from '../keepers/operator/script';

/** Sets which platforms are good enough by Intel’s word, and how new collateral must be (proposed, then executed after the delay). */
export const run = actScript('set-quote-policy');
