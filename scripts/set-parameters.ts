import { actScript } from '../keepers/operator/script';

/** Sets a registry’s bonds and key life (proposed, then executed after the delay). */
export const run = actScript('set-parameters');
