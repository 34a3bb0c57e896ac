import { type NodeConfig, readSeedFile } from '../config';
import { createSimulatedGpus } from '../devnet/simulated-gpus';
import { commandGpuSource, type NodeGpus, urlGpuSource } from '../node';

/** The GPUs that the configuration declares. Simulated ones are believed only where a deployment pins their root. */
export function gpusOf({ gpu }: NodeConfig): NodeGpus | undefined {
    switch (gpu?.kind) {
        case undefined:
            return undefined;
        case 'command':
            return { source: commandGpuSource(gpu.command, gpu.timeoutMs), count: gpu.count };
        case 'url':
            return { source: urlGpuSource(gpu.url, gpu.timeoutMs), count: gpu.count };
        case 'simulated':
            return createSimulatedGpus({ ...gpu, pkiSeed: readSeedFile(gpu.pkiSeedFile) });
    }
}
