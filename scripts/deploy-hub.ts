import { actScript } from '../keepers/operator/script';

/** Deploys a settlement hub and records it in the deployment file. */
export const run = actScript('deploy-hub');
