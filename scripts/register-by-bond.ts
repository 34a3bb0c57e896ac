import { actScript } from '../keepers/operator/script';

/** Records the key of a node that only clients can verify (SEV-SNP), under the higher bond. */
export const run = actScript('register-by-bond');
