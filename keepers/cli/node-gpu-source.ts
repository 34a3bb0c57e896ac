import type { NodeConfig } from '../config';
import type { NodeGpus } from '../node';

/** The GPUs that the configuration declares. Simulated ones are believed only where a deployment pins their root. */
export function gpusOf(config: NodeConfig): NodeGpus | undefined {
    const { gpu } = config;
    if (gpu === undefined) return undefined;
    const { commandGpuSource, urlGpuSource } = require('../node') as typeof import('../node');
    switch (gpu.kind) {
        case 'command':
            return { source: commandGpuSource(gpu.command, gpu.timeoutMs), count: gpu.count };
        case 'url':
            return { source: urlGpuSource(gpu.url, gpu.timeoutMs), count: gpu.count };
        case 'simulated': {
            const { createSimulatedGpus } =
                require('../devnet/simulated-gpus') as typeof import('../devnet/simulated-gpus');
            const { readSeedFile } = require('../config') as typeof import('../config');
            return createSimulatedGpus({ ...gpu, pkiSeed: readSeedFile(gpu.pkiSeedFile) });
        }
    }
}
