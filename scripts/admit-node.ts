import { actScript } from '../keepers/operator/script';

/** Tells a hub until when a recorded node key is good, or that it is revoked; anyone may pay for it. */
export const run = actScript('admit-node');
