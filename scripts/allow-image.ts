import { actScript } from '../keepers/operator/script';

/** Allows a node image by its measurements (proposed, then executed after the delay). */
export const run = actScript('allow-image');
