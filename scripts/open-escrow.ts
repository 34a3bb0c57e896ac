import { actScript } from '../keepers/operator/script';

/** Opens your escrow at a hub with a deposit and a session key. */
export const run = actScript('open-escrow');
