import { createHash } from 'node:crypto';
import { createSnpDevelopmentPki, mintSnpReport, snpDevelopmentRootKeyHash, snpImageIdOf } from '../attestation';

/** A SEV-SNP guest on paper, as `createSimulatedTee` makes TDX guests. */
export interface SimulatedSnp {
    /** image that the simulated guest measures */
    imageId: Buffer;
    quote(reportData: Buffer): Promise<Buffer>;
    certificatesOf(report: Buffer): Promise<{ vek: Buffer; chain: string }>;
}

/** Fixed, so that one allow-listed image serves every development node. */
const measurement = createHash('sha384').update('cocoon simulated SEV-SNP guest 1').digest();

export const simulatedSnpImageId = snpImageIdOf({
    measurement: measurement.toString('hex'),
    hostData: '00'.repeat(32),
});

/** What a gateway of a development network with this seed is given as the root to trust. */
export function simulatedSnpRootKeyHash(pkiSeed: Buffer): Buffer {
    return snpDevelopmentRootKeyHash(pkiSeed);
}

/**
 * Its reports go through the same verifier as AMD's, under a root of the development network's own, which only gateways that
 * were told of it trust; no gateway of a production network can be told.
 */
export function createSimulatedSnp(options: { pkiSeed: Buffer; platform: number; now: Date }): SimulatedSnp {
    const pki = createSnpDevelopmentPki({ seed: options.pkiSeed, now: options.now });
    const mint = (reportData: Buffer) =>
        mintSnpReport({ pki, reportData, measurement, machine: `platform-${options.platform}` });
    return {
        imageId: simulatedSnpImageId,
        quote: async (reportData) => mint(reportData).report,
        certificatesOf: async () => {
            const { vek, chain } = mint(Buffer.alloc(64)).certificates;
            return { vek: Buffer.from(vek), chain };
        },
    };
}
