import { type ChainClient, chainClientOf, type Deployment, NetworkReader, readPinnedDeployment } from '../../chain';
import { type Clock, CocoonError, systemClock } from '../../base';
import { configSchemas, loadConfig, readJsonObject, type Role, type RoleConfig } from '../../config';

/** Roles that live on a real network. */
export type KeeperRole = Exclude<Role, 'devnet'>;
export type KeeperConfig = { [R in KeeperRole]: RoleConfig<R> }[KeeperRole];

/** What the checks of any role look at. */
export interface DoctorContext {
    config: KeeperConfig;
    configFile: string;
    deployment: Deployment;
    client: ChainClient;
    reader: NetworkReader;
    clock: Clock;
}

/** The role that a configuration file is of. @throws CocoonError */
export function roleOf(file: string): KeeperRole {
    const { role } = readJsonObject(file);
    const known = Object.keys(configSchemas).filter((name) => name !== 'devnet');
    if (typeof role === 'string' && known.includes(role)) return role as KeeperRole;
    throw new CocoonError('config_invalid', `${file}: "role" must be one of ${known.join(', ')}`, { action: 'fix' });
}

/** @throws CocoonError: without settings there is nothing to look at */
export function loadKeeperConfig(file: string): KeeperConfig {
    return loadConfig(roleOf(file), { file });
}

/** @throws CocoonError where the deployment file can't be read or was changed */
export async function openDoctorContext(
    config: KeeperConfig,
    configFile: string,
    clock: Clock = systemClock,
): Promise<DoctorContext> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain);
    const reader = new NetworkReader({ client, registry: deployment.registry });
    return { config, configFile, deployment, client, reader, clock };
}
