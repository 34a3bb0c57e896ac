import { actScript } from '../keepers/operator/script';

/** Proves that a node key contradicted itself: its bond is slashed, a tenth comes to you. */
export const run = actScript('slash-node');
