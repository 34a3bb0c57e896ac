import { actScript } from '../keepers/operator/script';

/** Puts a deployed quote verifier in charge of a registry (proposed, then executed after the delay). */
export const run = actScript('set-verifier');
