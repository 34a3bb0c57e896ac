import { actScript } from '../keepers/operator/script';

/** Deploys your provider contract, or gives it another operator key. */
export const run = actScript('create-provider');
