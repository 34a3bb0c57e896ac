import { deployNetworkScript } from '../keepers/operator/script';

/** Brings a whole network about, or what is missing of it; safe to stop and run again. */
export const run = deployNetworkScript;
