import * as attestation from './scenarios/attestation';
import * as collateral from './scenarios/collateral';
import * as escrow from './scenarios/escrow';
import * as governance from './scenarios/governance';
import * as provider from './scenarios/provider';
import { Scenario } from './scenarios/scenario';
import * as settlement from './scenarios/settlement';

/** Every operation that somebody pays for, in the table's order: one row each. */
export const operations: Record<string, Scenario> = {
    ...settlement,
    ...escrow,
    ...provider,
    ...governance,
    ...attestation,
    ...collateral,
};

/** Batches of the largest size, of every kind: the costliest single transaction is looked for in these. */
export const largestBatches = ['settle10Lines', 'settle10EthereumLines'];
