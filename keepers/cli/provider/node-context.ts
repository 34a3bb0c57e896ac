import { type Clock, systemClock } from '../../base';
import { ChainClient, chainClientOf, type Deployment, NetworkReader, readPinnedDeployment } from '../../chain';
import { loadConfig, type NodeConfig } from '../../config';
import { type NodeFiles, nodeFiles, type NodeStatus, readNodeStatus } from '../../node';
import { isRunning } from './running-node';

export interface NodeCommandOptions {
    config?: string;
    json?: boolean;
}

/** What the provider's commands look at: settings, the node's own words, the pinned network and the chain. */
export interface NodeContext {
    config: NodeConfig;
    configFile: string;
    files: NodeFiles;
    status: NodeStatus | null;
    running: boolean;
    deployment: Deployment;
    client: ChainClient;
    reader: NetworkReader;
    clock: Clock;
}

/** @throws CocoonError: without settings and a network there is nothing to look at */
export async function openNodeContext(options: NodeCommandOptions, clock: Clock = systemClock): Promise<NodeContext> {
    const config = loadConfig('node', { file: options.config });
    const files = nodeFiles(config);
    const status = readNodeStatus(files.status);
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain);
    return {
        config,
        configFile: options.config ?? '…',
        files,
        status,
        running: status !== null && isRunning(status, clock),
        deployment,
        client,
        reader: new NetworkReader({ client, registry: deployment.registry }),
        clock,
    };
}
