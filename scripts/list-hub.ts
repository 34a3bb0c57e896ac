import { actScript } from '../keepers/operator/script';

/** Lists your hub in the registry with its endpoint and a bond, or changes them. */
export const run = actScript('list-hub');
