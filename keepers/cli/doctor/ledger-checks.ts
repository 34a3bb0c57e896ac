import { ledgerPlaceOf } from '../../config';
import { inspectLedger, inspectPostgres } from '../../ledger';
import { SettleableReceipts } from '../../settlement';
import { type CheckResult, fail, ok, warn } from '../provider/check';
import type { KeeperConfig } from './doctor-context';

const mebi = 1024 ** 2;

interface Schema {
    version: number;
    pendingSteps: number;
    sizeBytes: number;
}

/** Looked at without a change: a doctor must not bring a ledger to a version that the running role does not know. */
export async function checkLedger(config: KeeperConfig): Promise<CheckResult[]> {
    const place = 'ledgerFile' in config || 'ledgerUrl' in config ? ledgerPlaceOf(config) : undefined;
    if (place === undefined) return isWithoutReceipts(config) ? [noReceipts] : [];
    return 'file' in place ? checkFile(place.file) : checkPostgres(place);
}

function isWithoutReceipts(config: KeeperConfig): boolean {
    return config.role === 'settler' && config.nodeLogFiles.length === 0;
}

const noReceipts = fail(
    'ledger',
    'there is neither a ledger nor the log of a node to settle from: the role does not start',
    'set ledgerFile, ledgerUrl or nodeLogFiles',
);

/** With the eyes of the settler: each log by itself, whole, because damage anywhere keeps all of it from being settled. */
export async function checkNodeLogs(config: KeeperConfig): Promise<CheckResult[]> {
    if (!('nodeLogFiles' in config)) return [];
    return Promise.all(config.nodeLogFiles.map((file) => checkNodeLog(file)));
}

async function checkNodeLog(file: string): Promise<CheckResult> {
    const { settleables, unreadable } = await new SettleableReceipts({ nodeLogFiles: [file] }).read();
    const [problem] = unreadable;
    if (problem === undefined) return ok('node_logs', `${file}: receipts of ${settleables.length} account(s)`);
    return fail('node_logs', `${problem.message} (${problem.code})`, nextOf[problem.code] ?? 'see the message');
}

const nextOf: Record<string, string> = {
    log_missing: 'correct nodeLogFiles, or start the node; of a node that is gone for good take the log out',
    log_unreadable: 'give the role’s user read access, and look at the disk',
    log_corrupt: 'restore the log from a copy',
};

function checkFile(file: string): CheckResult[] {
    const found = inspectLedger(file);
    if (found === null) return [ok('ledger', `${file} is made at the next start`)];
    const told = toldOf(file, found);
    if (found.damage.length > 0)
        return [
            fail('ledger', `${told}: ${found.damage.join('; ')}`, 'stop the role and restore the ledger from a backup'),
        ];
    return checkSchema(told, found);
}

async function checkPostgres(place: { url: string; password?: string }): Promise<CheckResult[]> {
    const found = await inspectPostgres(place);
    const { host, pathname } = new URL(place.url);
    const told = toldOf(`PostgreSQL ${found.serverVersion}, ${host}${pathname}`, found);
    if (found.isStandby) return [fail('ledger', `${told}: a standby takes no writes`, 'name the primary in ledgerUrl')];
    if (found.unsafeSettings.length > 0) {
        const off = found.unsafeSettings.join(' and ');
        return [
            fail('ledger', `${told}: ${off} off, so a power cut loses receipts`, `set ${off} to on, and restart it`),
        ];
    }
    return found.version === 0 ? [ok('ledger', `${told}: made at the next start`)] : checkSchema(told, found);
}

function checkSchema(told: string, { pendingSteps }: Schema): CheckResult[] {
    if (pendingSteps < 0)
        return [fail('ledger', `${told}, of a newer program`, 'install the version that wrote it, or a newer one')];
    if (pendingSteps === 0) return [ok('ledger', told)];
    return [
        warn(
            'ledger',
            `${told}; the next start takes it ${pendingSteps} step(s) further`,
            'back it up before that, with the version that runs now: afterwards that one does not open it again',
        ),
    ];
}

function toldOf(what: string, { version, sizeBytes }: Schema): string {
    return `${what}: schema ${version}, ${(sizeBytes / mebi).toFixed(1)} MiB`;
}
