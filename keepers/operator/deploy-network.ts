import { systemClock } from '../base';
import { type ActPlan, runAct, type RunActOptions } from './act';
import { allowHubCode } from './acts/allow-hub-code';
import { allowImage } from './acts/allow-image';
import { allowModel } from './acts/allow-model';
import { deployHub } from './acts/deploy-hub';
import { deployRegistry } from './acts/deploy-registry';
import { deployVerifier } from './acts/deploy-verifier';
import { setParameters } from './acts/set-parameters';
import { setVerifier } from './acts/set-verifier';
import type { Deployment } from '../chain';
import type { OperatorContext } from './context';
import { parseArguments } from './define-act';
import { OperatorError } from './errors';
import type { ProposedChange } from './governance';
import { isoTime } from './iso-time';
import { requireDeployment } from './network-addresses';
import { type NetworkSpec, networkSpec } from './network-spec';

export type DeployNetworkOptions = Omit<RunActOptions, 'sender'>;

/** Of the hubs that this package deploys. */
const hubCodeName = 'payout 1';

type PlanChange = () => Promise<ActPlan<ProposedChange>>;

/**
 * Brings a network about: registry, verifier, hubs, then every change that governance has to make, all proposed before
 * the first delay is waited out. Each step looks at the chain first and sends only what is missing, so it can be stopped
 * anywhere and run again.
 * @returns the deployment, or null after a dry run or a "no"
 */
export async function deployNetwork(
    context: OperatorContext,
    spec: NetworkSpec,
    options: DeployNetworkOptions,
): Promise<Deployment | null> {
    const { parameters, images, models, hubs, ...registry } = parseArguments('deploy-network', networkSpec, spec);
    const run = <Result>(plan: ActPlan<Result>) => runAct(plan, { ...options, sender: context.sender });

    // Later steps can't even be planned before these are on chain.
    if ((await run(await deployRegistry(context, registry))) === null) return stopped(options);
    if ((await run(await deployVerifier(context, {}))) === null) return stopped(options);
    for (const hub of hubs) if ((await run(await deployHub(context, hub))) === null) return stopped(options);

    const changes: PlanChange[] = [
        () => setVerifier(context, {}),
        ...(parameters ? [() => setParameters(context, parameters)] : []),
        ...images.map((image) => () => allowImage(context, image)),
        ...models.map((model) => () => allowModel(context, model)),
        // So that the operators of the hubs can list them.
        ...(hubs.length > 0 ? [() => allowHubCode(context, { name: hubCodeName })] : []),
    ];
    const waiting: PlanChange[] = [];
    const forOwner: string[] = [];
    for (const change of changes) {
        const plan = await unlessOwners(change, forOwner);
        if (plan === null) continue;
        const result = await run(plan);
        if (result === null) return stopped(options);
        if (result.status === 'waiting') waiting.push(change);
    }
    if (forOwner.length > 0) throw new OperatorError('refused', forOwner.join('\n'));
    for (const change of waiting) if (!(await executeWhenDue(context, change, options))) return stopped(options);
    return requireDeployment(context);
}

/** Null for a change that only the owner can propose: a multisig wants all such messages at once. */
async function unlessOwners(change: PlanChange, forOwner: string[]): Promise<ActPlan<ProposedChange> | null> {
    try {
        return await change();
    } catch (error) {
        if (!(error instanceof OperatorError) || error.code !== 'refused') throw error;
        forOwner.push(error.message);
        return null;
    }
}

/** Waits out the governance delay of a proposed change and executes it. False after a "no". */
async function executeWhenDue(
    context: OperatorContext,
    change: PlanChange,
    options: DeployNetworkOptions,
): Promise<boolean> {
    for (;;) {
        const plan = await change();
        // Nothing to send: in force by now, or still to wait for.
        const result = plan.messages.length === 0 ? await plan.readBack() : null;
        if (result?.status === 'waiting') {
            await waitUntil(context, result.executableAt, options);
            continue;
        }
        const done = await runAct(plan, { ...options, sender: context.sender });
        if (done === null) return false;
        if (done.status === 'in force') return true;
    }
}

async function waitUntil(context: OperatorContext, dueSec: number, options: DeployNetworkOptions): Promise<void> {
    const { clock = systemClock, console, signal } = options;
    for (;;) {
        const leftSec = dueSec - (await context.nowSec());
        if (leftSec <= 0) return;
        console.write(
            `waiting ${leftSec} s for the governance delay, until ${isoTime(dueSec)}; safe to stop and run again`,
        );
        await clock.sleep(Math.min(leftSec * 1000, progressIntervalMs), signal);
    }
}

const progressIntervalMs = 15_000;

function stopped({ console, dryRun }: DeployNetworkOptions): null {
    if (dryRun) console.write('dry run: the steps after this one depend on it; run again once it is done');
    return null;
}
