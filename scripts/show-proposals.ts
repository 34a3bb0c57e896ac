import { actScript } from '../keepers/operator/script';

/** Shows what waits for its governance delay, and what anyone can execute. */
export const run = actScript('show-proposals');
