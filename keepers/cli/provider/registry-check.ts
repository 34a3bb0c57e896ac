import { QuoteVerifier, usableEvaluation } from '../../../wrappers';
import { TOY_MODEL_ID, TOY_MODEL_PATH, ggufModelRoot } from '../../node';
import { type CheckResult, fail, ok, warn } from './check';
import { isoTime } from './iso-time';
import type { NodeContext } from './node-context';
import type { SeenTee } from './tee-check';

/** Whether the registry lists what this machine measures to, and the model that it would serve. */
export async function checkRegistry(context: NodeContext, seen: SeenTee | null): Promise<CheckResult[]> {
    const { reader, running, status, config } = context;
    return [
        ...(seen === null ? [] : [await imageResult(context, seen)]),
        await modelResult(context),
        ...(running && status?.nodeKey ? [await platformResult(reader, config.provider, status.nodeKey)] : []),
    ];
}

async function imageResult({ reader, config }: NodeContext, { imageId }: SeenTee): Promise<CheckResult> {
    const allowed = (await reader.images({ refresh: true }))?.get(imageId.toString('hex'));
    const wanted = config.tee.kind.includes('snp') ? 'sev-snp' : 'tdx';
    const next =
        'boot an image that the registry lists (show-network), or have governance allow yours: cocoon measure, allow-image';
    if (allowed === undefined)
        return fail('image', `the registry does not list image ${imageId.toString('hex')}`, next);
    if (allowed.imageKind !== wanted)
        return fail('image', `the registry lists it as ${allowed.imageKind}, this guest is ${wanted}`, next);
    return ok('image', `listed as “${allowed.name}”`);
}

async function modelResult({ reader, config }: NodeContext): Promise<CheckResult> {
    const root = await modelRootOf(config.engine);
    const name = (await reader.models({ refresh: true }))?.get(root.toString('hex'));
    if (name !== undefined) return ok('model', `listed as “${name}”, root ${root.toString('hex')}`);
    const next = 'serve a model that the registry lists (show-network), or have governance allow it: allow-model';
    return fail('model', `the registry does not list model root ${root.toString('hex')}`, next);
}

async function modelRootOf(engine: NodeContext['config']['engine']): Promise<Buffer> {
    if (engine.kind !== 'llama-cpp') return engine.modelRoot;
    return ggufModelRoot(engine.modelFile ?? TOY_MODEL_PATH, engine.modelId ?? TOY_MODEL_ID);
}

async function platformResult(
    reader: NodeContext['reader'],
    provider: NodeContext['config']['provider'],
    nodeKey: string,
): Promise<CheckResult> {
    const key = await reader.providerKey(provider, Buffer.from(nodeKey, 'hex'));
    const platform = key?.platformId.toString('hex');
    if (platform === undefined || /^0+$/.test(platform)) return ok('platform', 'none is recorded for the key');
    if ((await reader.deniedPlatforms({ refresh: true }))?.has(platform) !== true)
        return ok('platform', `${platform} is not denied`);
    return fail(
        'platform',
        `the registry denies this machine, ${platform}`,
        'move to another machine; governance says why in its change log',
    );
}

const soonSec = 3 * 86_400;

/** Collateral by which the chain judges this platform family; without it nothing can register or attest again. */
export async function checkCollateral(
    { deployment, client }: NodeContext,
    seen: SeenTee | null,
): Promise<CheckResult[]> {
    if (seen === null || deployment.quoteVerifier === null) return [];
    if (seen.fmspc === null)
        return [ok('collateral', 'none is needed: clients verify SEV-SNP reports, the chain does not')];
    const held = await client.open(QuoteVerifier.createFromAddress(deployment.quoteVerifier)).getCollateral();
    const nowSec = await client.getChainTimeSec();
    const family = seen.fmspc.toString('hex');
    const evaluation = usableEvaluation(held, seen.fmspc, new Date(nowSec * 1000));
    const next = `run cocoon registrar for the family, or post-collateral --fmspc ${family}`;
    if (evaluation === null)
        return [fail('collateral', `the chain holds none in force for the platform family ${family}`, next)];
    const lists = held.revocationLists.map(({ expiresAt }) => expiresAt.getTime());
    const both = [...held.tcbInfos.filter(({ fmspc }) => fmspc.equals(seen.fmspc!)), ...held.qeIdentities];
    const pieces = both.filter((piece) => piece.evaluation === evaluation).map(({ expiresAt }) => expiresAt.getTime());
    const endSec = Math.floor(Math.min(...pieces, ...lists) / 1000);
    const told = `family ${family}, evaluation ${evaluation}, in force until ${isoTime(endSec)}`;
    if (endSec <= nowSec) return [fail('collateral', `${told}: a revocation list has run out`, next)];
    return [endSec - nowSec < soonSec ? warn('collateral', told, next) : ok('collateral', told)];
}
