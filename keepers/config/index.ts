export { ConfigError, type ConfigErrorCode } from './errors';
export { loadConfig, type LoadOptions } from './load';
export {
    configSchemas,
    type DevnetConfig,
    type DispatcherConfig,
    type GatewayConfig,
    type NodeConfig,
    type Role,
    type RoleConfig,
    type RegistrarConfig,
    type SettlerConfig,
} from './schema';
export { ensureSeedFile, readSecretFile, readSeedFile } from './secrets';
