import { actScript } from '../keepers/operator/script';

/** Revokes a node key that was attested with what governance distrusts by now, and tells a hub; anyone may pay for it. */
export const run = actScript('recheck-node');
