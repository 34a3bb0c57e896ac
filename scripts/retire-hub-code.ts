import { actScript } from '../keepers/operator/script';

/** Announces from when on no hub with a code is listed anew (proposed, then executed after the delay). */
export const run = actScript('retire-hub-code');
