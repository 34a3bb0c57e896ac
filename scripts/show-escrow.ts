import { actScript } from '../keepers/operator/script';

/** Shows an escrow as the chain has it. */
export const run = actScript('show-escrow');
