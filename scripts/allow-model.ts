import { actScript } from '../keepers/operator/script';

/** Allows a model by the root of its manifest (proposed, then executed after the delay). */
export const run = actScript('allow-model');
