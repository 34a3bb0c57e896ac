import { actScript } from '../keepers/operator/script';

/** Deploys a network’s registry and begins its deployment file. */
export const run = actScript('deploy-registry');
