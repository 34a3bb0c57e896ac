export { ConfigError, type ConfigErrorCode } from './errors';
export { nanoField } from './fields';
export { loadConfig, type LoadOptions, readJsonObject } from './load';
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
    type WatchdogConfig,
} from './schema';
export { modelPricesSchema, readPricesFile, writePricesFile, type PublishedPrices } from './prices-file';
export { replaceFile } from './replace-file';
export { readOwnersFile } from './owners-file';
export { keyPassphrase, usePassphrase } from './passphrase';
export { isSealed, openSecret, sealSecret } from './sealed-secret';
export { ensureSeedFile, ensureTokenFile, readSecretFile, readSeedFile } from './secrets';
export { ledgerPlaceOf } from './ledger-place';
