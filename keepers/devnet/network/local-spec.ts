import type { Address } from '@ton/core';
import { ggufModelRoot, TOY_MODEL_ID, TOY_MODEL_PATH } from '../../node';
import type { NetworkSpec } from '../../operator';
import { simulatedSnpImageId } from '../simulated-snp';
import { localTerms as terms } from './local-terms';

export interface LocalSpecParts {
    /** Of the simulated TDX guests. */
    imageId: Buffer;
    /** That signs the simulated quotes' certificates. */
    rootKey: Buffer;
    hubOperator: Address;
}

/** What the network on one machine is deployed as. */
export async function localSpec({ imageId, rootKey, hubOperator }: LocalSpecParts): Promise<NetworkSpec> {
    return {
        kind: 'development',
        rootPublicKey: rootKey,
        governanceDelaySec: terms.governanceDelaySec,
        salt: 0,
        parameters: {
            minBondNano: terms.minBondNano,
            maxKeyLifeSec: terms.maxKeyLifeSec,
            minHubBondNano: terms.minHubBondNano,
            minClientVerifiedBondNano: terms.minClientVerifiedBondNano,
            maxKeysPerPlatform: terms.maxKeysPerPlatform,
            maxHubFeeBps: terms.maxFeeBps,
            minCloseDelaySec: terms.closeDelaySec,
        },
        images: [
            { imageId, name: 'simulated guest 1' },
            { imageId: simulatedSnpImageId, imageKind: 'sev-snp', name: 'simulated SEV-SNP guest 1' },
        ],
        models: [{ modelRoot: await ggufModelRoot(TOY_MODEL_PATH, TOY_MODEL_ID), name: TOY_MODEL_ID }],
        hubs: [
            {
                operator: hubOperator,
                closeDelaySec: terms.closeDelaySec,
                maxFeeBps: terms.maxFeeBps,
                initialFeeBps: terms.feeBps,
                salt: 0,
            },
        ],
    };
}
