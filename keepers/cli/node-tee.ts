import { type NodeConfig, readSeedFile } from '../config';
import { createSimulatedSnp } from '../devnet/simulated-snp';
import { createSimulatedTee } from '../devnet/simulated-tee';
import { configfsTsmQuoteSource, dstackQuoteSource, type NodeTee } from '../node';
import { snpTee } from './snp-tee';
import { tdxTee } from './tdx-tee';

/** A simulated TEE is chosen by configuration, but only a network deployed under its root believes it. */
export async function teeOf({ tee }: NodeConfig): Promise<NodeTee> {
    switch (tee.kind) {
        case 'simulated':
        case 'simulated-snp':
            return simulatedTeeOf(tee);
        case 'snp':
            return snpTee(tee);
        case 'dstack':
            return tdxTee(dstackQuoteSource(tee.socketPath));
        case 'configfs-tsm':
            return tdxTee(configfsTsmQuoteSource(tee.reportPath));
    }
}

function simulatedTeeOf(tee: Extract<NodeConfig['tee'], { pkiSeedFile: string }>): NodeTee {
    const options = { pkiSeed: readSeedFile(tee.pkiSeedFile), platform: tee.platform, now: new Date() };
    if (tee.kind === 'simulated') {
        const simulated = createSimulatedTee(options);
        return { quotes: simulated, imageId: simulated.imageId };
    }
    const simulated = createSimulatedSnp(options);
    return { quotes: simulated, imageId: simulated.imageId, snp: simulated };
}
