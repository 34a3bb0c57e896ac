import { type Clock, systemClock } from '../../base';
import type { CommandResult } from '../verify-quote-command';
import { checkClock, checkDeployment, checkEndpoints } from './chain-check';
import { type Check, type CheckResult, runCheck } from './check';
import { checkEngine, engineNext } from './engine-check';
import { checkCoreDumps, checkDisk } from './host-check';
import { type NodeCommandOptions, type NodeContext, openNodeContext } from './node-context';
import { checkAdmission, checkGas, checkProvider } from './provider-check';
import { checkReceipts } from './receipts-check';
import { checkCollateral, checkRegistry } from './registry-check';
import { checkGpu, checkTee, type SeenTee } from './tee-check';

const readChain = 'see chain: it could not be read';

/** Independent of what the TEE shows. */
const checks: [name: string, next: string, look: Check][] = [
    ['gpu', 'check the evidence source that gpu names: it must print NVIDIA’s JSON for a nonce', checkGpu],
    ['engine', engineNext, checkEngine],
    ['chain', 'check chain.endpoints', checkEndpoints],
    ['deployment', readChain, checkDeployment],
    ['provider', readChain, checkProvider],
    ['admission', readChain, checkAdmission],
    ['gas', readChain, checkGas],
    ['receipts', 'restore the receipt log from a copy if it is damaged; else see chain', checkReceipts],
    ['clock', readChain, checkClock],
    ['disk', 'create the folder of receiptLogFile and give the node’s user write access', checkDisk],
    ['core_dumps', 'run the node on Linux with /proc mounted', checkCoreDumps],
];

const teeNext: Record<NodeContext['config']['tee']['kind'], string> = {
    'configfs-tsm':
        'run inside a TDX guest with kernel 6.7 or later, configfs mounted and write access to tee.reportPath; on the host, qgsd must run',
    dstack: 'mount the guest agent’s socket into the container: /var/run/dstack.sock',
    snp: 'run inside a SEV-SNP guest with kernel 6.7 or later (sev-guest loaded) and write access to tee.reportPath',
    simulated: 'point tee.pkiSeedFile at the seed of the development network',
    'simulated-snp': 'point tee.pkiSeedFile at the seed of the development network',
};

/** `cocoon node doctor`. Exit code 1 when something fails; warnings are for tomorrow. */
export async function runDoctor(options: NodeCommandOptions, clock: Clock = systemClock): Promise<CommandResult> {
    const context = await openNodeContext(options, clock);
    const results = await examineNode(context);
    const failed = results.filter(({ state }) => state === 'fail').length;
    const verdict = { ok: failed === 0, failed, warnings: results.filter(({ state }) => state === 'warn').length };
    const output = options.json
        ? JSON.stringify({ ...verdict, running: context.running, checks: results })
        : describe(results, context.running);
    return { output, exitCode: failed === 0 ? 0 : 1 };
}

/** Every check of a node; the general doctor has them too. */
export async function examineNode(context: NodeContext): Promise<CheckResult[]> {
    let seen: SeenTee | null = null;
    const look: Check = async () => {
        const checked = await checkTee(context);
        seen = checked.seen;
        return checked.results;
    };
    const [tee, ...others] = await Promise.all([
        runCheck('tee', teeNext[context.config.tee.kind], look, context),
        ...checks.map(([name, next, check]) => runCheck(name, next, check, context)),
    ]);
    const registry = await runCheck('registry', readChain, (at) => checkRegistry(at, seen), context);
    const collateral = await runCheck('collateral', readChain, (at) => checkCollateral(at, seen), context);
    return [...tee, ...others.flat(), ...registry, ...collateral];
}

function describe(results: readonly CheckResult[], running: boolean): string {
    const lines = results.flatMap(({ check, state, detail, next }) => [
        `${state.padEnd(5)} ${check.padEnd(11)} ${detail}`,
        ...(next === null ? [] : [`${' '.repeat(18)}-> ${next}`]),
    ]);
    const failed = results.filter(({ state }) => state === 'fail').length;
    const verdict = failed === 0 ? 'nothing fails' : `${failed} check(s) fail`;
    return [...lines, '', `${verdict}; the node ${running ? 'runs' : 'does not run'}`].join('\n');
}
