import { readSecretFile } from './secrets';

interface LedgerSettings {
    ledgerFile?: string;
    ledgerUrl?: string;
    ledgerPasswordFile?: string;
}

/** Where the role's ledger is, as `openDispatchLedger` takes it; undefined where the settings name none. */
export function ledgerPlaceOf(
    config: LedgerSettings,
): { file: string } | { url: string; password?: string } | undefined {
    if (config.ledgerFile !== undefined) return { file: config.ledgerFile };
    if (config.ledgerUrl === undefined) return undefined;
    if (config.ledgerPasswordFile === undefined) return { url: config.ledgerUrl };
    return { url: config.ledgerUrl, password: readSecretFile(config.ledgerPasswordFile) };
}
