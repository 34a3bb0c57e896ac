import { z } from 'zod';
import { listenField, logLevelField, portField } from '../fields';

export const devnetSchema = z.strictObject({
    role: z.literal('devnet'),
    listen: listenField,
    /** A port of its own for the API of TonClient4, so that keepers have two endpoints to compare. */
    v4Port: portField.optional(),
    stateDir: z.string().min(1),
    seed: z.string().min(1).max(128).default('cocoon'),
    feeConfig: z.enum(['sandbox', 'mainnet-2026']).default('sandbox'),
    /** Seed of the development root: with it the devnet also serves collateral, like Intel's service. */
    pkiSeedFile: z.string().optional(),
    collateralPort: portField.default(0),
    /** The same for its GPUs: an attestation service like NVIDIA's. */
    nrasPort: portField.default(0),
    /** The same for SEV-SNP: a key distribution service like AMD's. */
    kdsPort: portField.default(0),
    logLevel: logLevelField,
});
