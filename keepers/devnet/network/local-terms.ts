import { toNano } from '@ton/core';

/** Terms of a local network: short delays, so that a person sees everything happen. */
export const localTerms = {
    governanceDelaySec: 2,
    closeDelaySec: 600,
    maxFeeBps: 1_000,
    feeBps: 500,
    minBondNano: toNano('10'),
    maxKeyLifeSec: 3 * 86_400,
    minHubBondNano: toNano('10'),
    minClientVerifiedBondNano: toNano('20'),
    /** every start of a node makes a key */
    maxKeysPerPlatform: 7,
    providers: [1, 2],
    /** nanoTON a million tokens */
    prices: {
        inputNano: '400000000',
        cachedInputNano: '100000000',
        outputNano: '1600000000',
        reasoningNano: '1600000000',
    },
} as const;
