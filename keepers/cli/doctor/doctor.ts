import { type Clock, CocoonError, errorMessage, systemClock } from '../../base';
import { checkDeployment, checkEndpoints } from '../provider/chain-check';
import { type Check, type CheckResult, fail, runCheck } from '../provider/check';
import { examineNode } from '../provider/doctor';
import { checkCoreDumpLimit } from '../provider/host-check';
import { openNodeContext } from '../provider/node-context';
import type { CommandResult } from '../verify-quote-command';
import { checkAgreement, checkClock, checkCollateral, checkHub, checkWallet } from './chain-checks';
import {
    type DoctorContext,
    type KeeperConfig,
    type KeeperRole,
    loadKeeperConfig,
    openDoctorContext,
    roleOf,
} from './doctor-context';
import { checkConfigFile, checkDisk } from './host-checks';
import { checkKeyFiles } from './key-files';
import { checkLedger, checkNodeLogs } from './ledger-checks';
import { checkEscrows, checkPeers } from './peer-checks';
import { checkPorts } from './port-checks';
import { checkTls } from './tls-check';

export interface DoctorOptions {
    config: string[];
    json?: boolean;
}

interface Examined {
    config: string;
    role: KeeperRole | null;
    checks: CheckResult[];
}

/** `cocoon doctor`. Exit code 1 when something fails; warnings are for tomorrow. */
export async function runDoctor(options: DoctorOptions, clock: Clock = systemClock): Promise<CommandResult> {
    const examined: Examined[] = [];
    for (const file of options.config) examined.push(await examine(file, clock));
    const all = examined.flatMap(({ checks }) => checks);
    const failed = all.filter(({ state }) => state === 'fail').length;
    const warnings = all.filter(({ state }) => state === 'warn').length;
    const output = options.json
        ? JSON.stringify({ ok: failed === 0, failed, warnings, roles: examined })
        : [...examined.flatMap(describe), '', verdictOf(failed, warnings)].join('\n');
    return { output, exitCode: failed === 0 ? 0 : 1 };
}

/** Settings that can't be read are a finding like any other, so that the other files are still looked at. */
async function examine(file: string, clock: Clock): Promise<Examined> {
    let role: KeeperRole | null = null;
    try {
        role = roleOf(file);
        const config = loadKeeperConfig(file);
        return { config: file, role, checks: await lookAt(config, file, clock) };
    } catch (error) {
        if (!(error instanceof CocoonError)) throw error;
        const next = 'keepers/config/roles and deploy/config show what the role takes';
        return { config: file, role, checks: [fail('config', errorMessage(error), next)] };
    }
}

async function lookAt(config: KeeperConfig, file: string, clock: Clock): Promise<CheckResult[]> {
    const host = await Promise.all([
        runCheck('config', 'check the file', async () => checkConfigFile(file), null),
        runCheck('keys', 'see the message', async () => checkKeyFiles(config), null),
        runCheck('ports', 'see the message', () => checkPorts(config), null),
        runCheck('tls', 'give PEM files of one certificate and its key', async () => checkTls(config, clock), null),
        ...(config.role === 'node' ? [] : [hostChecks(config)]),
    ]);
    return [...host.flat(), ...(await networkChecks(config, file, clock))];
}

async function hostChecks(config: KeeperConfig): Promise<CheckResult[]> {
    const folder = 'create the folder and give the role’s user write access';
    const results = await Promise.all([
        runCheck('ledger', ledgerNext(config), () => checkLedger(config), null),
        runCheck('node_logs', 'see the message', () => checkNodeLogs(config), null),
        runCheck('disk', folder, async () => checkDisk(config), null),
        config.role === 'gateway'
            ? runCheck('core_dumps', 'run it on Linux with /proc mounted', async () => checkCoreDumpLimit(), null)
            : [],
    ]);
    return results.flat();
}

const readChain = 'see chain: it could not be read';

/** Over the network; a node's own doctor looks at everything of a node. */
const checks: [name: string, next: string, look: Check<DoctorContext>][] = [
    ['chain', 'check chain.endpoints', checkEndpoints],
    ['agreement', readChain, checkAgreement],
    ['deployment', readChain, checkDeployment],
    ['hub', readChain, checkHub],
    ['gas', readChain, checkWallet],
    ['clock', readChain, checkClock],
    ['collateral', readChain, checkCollateral],
    ['escrow', readChain, checkEscrows],
    ['peers', 'see the message', checkPeers],
];

async function networkChecks(config: KeeperConfig, file: string, clock: Clock): Promise<CheckResult[]> {
    try {
        if (config.role === 'node') return await examineNode(await openNodeContext({ config: file }, clock));
        const context = await openDoctorContext(config, file, clock);
        const results = await Promise.all(checks.map(([name, next, look]) => runCheck(name, next, look, context)));
        return results.flat();
    } catch (error) {
        if (!(error instanceof CocoonError)) throw error;
        const next = `get ${config.deploymentFile} from where you trust it; see keys where it is one`;
        return [fail('deployment', errorMessage(error), next)];
    }
}

function ledgerNext(config: KeeperConfig): string {
    const isShared = 'ledgerUrl' in config && config.ledgerUrl !== undefined;
    if (isShared) return 'check ledgerUrl, ledgerPasswordFile, the network and that PostgreSQL runs';
    return 'stop the role and restore the ledger from a backup';
}

function describe({ config, role, checks: results }: Examined): string[] {
    return [
        '',
        `${role ?? 'unknown role'}, ${config}`,
        ...results.flatMap(({ check, state, detail, next }) => [
            `${state.padEnd(5)} ${check.padEnd(11)} ${detail}`,
            ...(next === null ? [] : [`${' '.repeat(18)}-> ${next}`]),
        ]),
    ];
}

function verdictOf(failed: number, warnings: number): string {
    return failed === 0 ? `nothing fails, ${warnings} warning(s)` : `${failed} check(s) fail, ${warnings} warning(s)`;
}
