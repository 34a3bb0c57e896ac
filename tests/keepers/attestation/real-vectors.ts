import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Collateral } from '../../../keepers/attestation';

/**
 * Evidence of real machines. It belongs to others and stays out of this repository; COCOON_VECTORS names its folder. A
 * clone without it proves as much from minted evidence, except that real machines and our reading of Intel's format agree.
 */
export const vectorFolder = path.resolve(
    process.env.COCOON_VECTORS ?? path.join(__dirname, '../../../../shared/vectors'),
);

export interface RealVector {
    quote: string;
    collateral: string | null;
    at: string;
    status: string | null;
    advisoryIds: string[];
    failedCheck: string | null;
}

const upToDate = { status: 'UpToDate', advisoryIds: [], failedCheck: null };
const outOfDate = {
    status: 'OutOfDate',
    advisoryIds: ['INTEL-SA-00960', 'INTEL-SA-00982', 'INTEL-SA-00986'],
    failedCheck: 'policy_status',
};

/** What each must yield under the default policy; without collateral, only signatures and the report are judged. */
export const realVectors: RealVector[] = [
    { quote: 'tdx-v4-a', collateral: 'tdx-v4-a', at: '2025-06-25', ...upToDate },
    { quote: 'tdx-v4-b', collateral: 'tdx-v4-b', at: '2025-09-10', ...upToDate },
    {
        quote: 'sgx-v3-a',
        collateral: 'sgx-v3-a',
        at: '2025-06-25',
        status: 'ConfigurationAndSWHardeningNeeded',
        advisoryIds: ['INTEL-SA-00289', 'INTEL-SA-00615'],
        failedCheck: 'policy_status',
    },
    {
        quote: 'tdx-v5-lowtcb',
        collateral: 'tdx-v5-90c06f',
        at: '2026-02-20',
        status: null,
        advisoryIds: [],
        failedCheck: 'tcb_level',
    },
    { quote: 'tdx-v5-a', collateral: 'tdx-v5-90c06f', at: '2026-02-20', ...upToDate },
    {
        quote: 'tdx-v4-debug',
        collateral: null,
        at: '2025-07-20',
        status: null,
        advisoryIds: [],
        failedCheck: 'policy_debug',
    },
    { quote: 'tdx-v4-sept-off', collateral: null, at: '2025-07-20', status: null, advisoryIds: [], failedCheck: null },
    { quote: 'tdx-v4-sept-off', collateral: 'tdx-00806f', at: '2025-07-20', ...outOfDate },
    { quote: 'tdx-v4-c', collateral: 'tdx-00806f', at: '2025-07-20', ...outOfDate },
    { quote: 'tdx-v4-cos113', collateral: 'tdx-00806f', at: '2025-07-20', ...upToDate },
    {
        quote: 'intel-testdata/tdx-v4-testroot',
        collateral: null,
        at: '2025-07-20',
        status: null,
        advisoryIds: [],
        failedCheck: 'pck_chain_encoding',
    },
];

export function isPresent(vector: RealVector): boolean {
    return existsSync(path.join(vectorFolder, `${vector.quote}.quote.bin`));
}

/** Says how many vectors a suite leaves out, so that a green run never looks like more than it is. */
export function presentVectors(suite: string, vectors: RealVector[] = realVectors): RealVector[] {
    const present = vectors.filter(isPresent);
    if (present.length < vectors.length) {
        process.stderr.write(
            `${suite}: SKIPPED ${vectors.length - present.length} of ${vectors.length} real vectors, not in ${vectorFolder}\n`,
        );
    }
    return present;
}

export function readQuote(vector: RealVector): Buffer {
    return readFileSync(path.join(vectorFolder, `${vector.quote}.quote.bin`));
}

export function readCollateral(vector: RealVector): Collateral {
    return JSON.parse(
        readFileSync(path.join(vectorFolder, `${vector.collateral}.collateral.json`), 'utf8'),
    ) as Collateral;
}
