import { actScript } from '../keepers/operator/script';

/** Deploys the contract that verifies quotes for a registry; set-verifier puts it in charge. */
export const run = actScript('deploy-verifier');
