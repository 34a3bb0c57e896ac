import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { configured, folder, nowhere } from '../provider/configured-node';

type Settings = Record<string, unknown>;

/** A role's configuration on a machine that has nothing but the files; the node's fixture gives network and keys. */
export async function configuredRole(role: string, settings: Settings = {}): Promise<string> {
    const node = JSON.parse(readFileSync(await configured(), 'utf8')) as Settings;
    const dir = mkdtempSync(path.join(folder, `${role}-`));
    const { chain, deploymentFile, hub, gasWalletFile } = node;
    const key = gasWalletFile;
    const ledgerFile = path.join(dir, `${role}.sqlite`);
    const byRole: Record<string, Settings> = {
        dispatcher: { hub, listen: { port: 0 }, ledgerFile },
        settler: { hub, gasWalletFile: key, ledgerFile },
        watchdog: { hub, gasWalletFile: key, ledgerFile },
        registrar: {
            gasWalletFile: key,
            collateral: { url: nowhere },
            families: [{ fmspc: '00'.repeat(6) }],
        },
        gateway: {
            dispatchers: [{ url: nowhere, hub }],
            client: `0:${'11'.repeat(32)}`,
            sessionKeyFile: key,
            ledgerFile,
            listen: { port: 0 },
            collateral: { url: nowhere },
        },
        node,
    };
    const file = path.join(dir, `${role}.json`);
    const admin = { port: 0, tokenFile: path.join(dir, 'admin.token') };
    const all = { role, chain, deploymentFile, admin, ...byRole[role], ...settings };
    writeFileSync(file, JSON.stringify(all), { mode: 0o644 });
    return file;
}
