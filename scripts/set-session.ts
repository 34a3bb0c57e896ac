import { actScript } from '../keepers/operator/script';

/** Gives your open escrow another session key, or the same one a longer life. */
export const run = actScript('set-session');
