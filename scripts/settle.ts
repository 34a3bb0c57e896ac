import { actScript } from '../keepers/operator/script';

/** Posts receipts, from whom ever: nodes are paid what their clients’ caps allow. */
export const run = actScript('settle');
