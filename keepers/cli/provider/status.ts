import { type Clock, errorMessage, nowSec, systemClock } from '../../base';
import { judgeNode } from '../node-verdict';
import { collateralService } from '../judge-quote';
import { fetchServedNodes } from '../served-nodes';
import type { CommandResult } from '../verify-quote-command';
import { type IdleReason, marketReasons, ownReasons } from './idle-reasons';
import { isoTime } from './iso-time';
import { type MarketNode, readMarket } from './market';
import { type NodeCommandOptions, type NodeContext, openNodeContext } from './node-context';
import { checkAdmission } from './provider-check';

export interface StatusOptions extends NodeCommandOptions {
    collateralUrl?: string;
}

/** `cocoon node status`: what the node does, and every reason for which it may have no work. Exit code 1: it can get none. */
export async function runStatus(options: StatusOptions, clock: Clock = systemClock): Promise<CommandResult> {
    const context = await openNodeContext(options, clock);
    const { reasons, market, unknown } = await explain(context, options);
    const state = reasons.some(({ down }) => down) ? 'down' : hasWork(context, market) ? 'busy' : 'idle';
    const exitCode = state === 'down' ? 1 : 0;
    if (!options.json) return { output: describe(context, { state, reasons, market, unknown }), exitCode };
    const seen = market && {
        nodes: market.length,
        inFlight: market.reduce((sum, { load }) => sum + load.inFlight, 0),
        capacity: market.reduce((sum, { load }) => sum + load.maxConcurrency, 0),
    };
    return { output: JSON.stringify({ state, reasons, unknown, market: seen, node: context.status }), exitCode };
}

interface Explained {
    reasons: IdleReason[];
    /** Null where the dispatcher could not be asked. */
    market: MarketNode[] | null;
    /** What could not be looked at. */
    unknown: string[];
}

async function explain(context: NodeContext, options: StatusOptions): Promise<Explained> {
    if (!context.running || context.status === null)
        return { reasons: [notRunning(context)], market: null, unknown: [] };
    const unknown: string[] = [];
    const asked = async <T>(what: string, ask: Promise<T>): Promise<T | null> =>
        ask.catch((error: unknown) => {
            unknown.push(`${what}: ${errorMessage(error)}`);
            return null;
        });
    const { config, deployment, clock, status } = context;
    if (status.phase === 'starting') {
        const detail = 'it is starting: keys, engine, registration on chain';
        return {
            reasons: [{ code: 'not_running', down: true, detail, next: 'wait; its log says how far it is' }],
            market: null,
            unknown,
        };
    }
    const at = { network: deployment.registry.hash, nowSec: nowSec(clock) };
    const [admission, market, evidence] = await Promise.all([
        asked('admission', admissionReasons(context)),
        asked('market', readMarket(config.dispatcherUrl, at)),
        asked('evidence', evidenceReasons(context, options)),
    ]);
    const own = market?.find(({ nodeKey }) => nodeKey === status.nodeKey);
    return {
        reasons: [
            ...ownReasons(status),
            ...(admission ?? []),
            ...(market === null ? [] : marketReasons(own, market)),
            ...(evidence ?? []),
        ],
        market,
        unknown,
    };
}

function notRunning({ status, configFile }: NodeContext): IdleReason {
    const start = `start it: cocoon node --config ${configFile}`;
    const reason = (detail: string, next: string): IdleReason => ({ code: 'not_running', down: true, detail, next });
    if (status === null) return reason('no node has run with this configuration yet', start);
    const at = isoTime(Math.floor(status.updatedAtMs / 1000));
    if (status.phase === 'failed')
        return reason(
            `it failed at ${at}: ${status.failure?.message ?? 'unknown'} (${status.failure?.code ?? ''})`,
            'do what the message says, see doctor, start it again',
        );
    if (status.phase === 'stopped') return reason(`it was stopped at ${at}`, start);
    return reason(
        `it was last heard of at ${at} and did not say goodbye: killed, or its disk is full`,
        `see its log; then ${start}`,
    );
}

async function admissionReasons(context: NodeContext): Promise<IdleReason[]> {
    const results = await checkAdmission(context);
    return results
        .filter(({ state }) => state === 'fail')
        .map(({ detail, next }) => ({ code: 'not_admitted', down: true, detail, next: next ?? 'see doctor' }));
}

/** What a gateway would say of the evidence that the dispatcher hands out; a development network's needs its own service. */
async function evidenceReasons(context: NodeContext, { collateralUrl }: StatusOptions): Promise<IdleReason[]> {
    const { deployment, config, status } = context;
    if (deployment.kind === 'development' && collateralUrl === undefined) return [];
    const { rows } = await fetchServedNodes(config.dispatcherUrl, { nodeKey: status!.nodeKey! });
    if (rows.length === 0 || config.tee.kind.includes('snp')) return [];
    const { verdict, failedCheck, detail } = await judgeNode(rows[0], {
        rootPublicKey: Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]),
        gpuRootPublicKey: deployment.gpuRootPublicKey,
        network: deployment.registry.hash,
        policy: undefined,
        service: collateralService(collateralUrl),
        snp: { rootKeyHash: deployment.snpRootKeyHash, policy: undefined, service: undefined },
    });
    if (verdict === 'accepted') return [];
    if (failedCheck === 'collateral_unavailable') throw new Error(detail);
    const next =
        'gateways refuse it: update firmware, driver or image as the rule says (docs/attestation.md), then restart the node';
    return [{ code: 'evidence_refused', down: true, detail: `${failedCheck}: ${detail}`, next }];
}

function hasWork({ status }: NodeContext, market: MarketNode[] | null): boolean {
    const listed = market?.find(({ nodeKey }) => nodeKey === status?.nodeKey);
    return (listed?.load.inFlight ?? status?.requests.inFlight ?? 0) > 0;
}

function describe({ status }: NodeContext, { state, reasons, market, unknown }: Explained & { state: string }): string {
    const head = status?.nodeKey == null ? [state] : [`${state}, node ${status.nodeKey}`];
    const requests =
        status === null
            ? []
            : [
                  `requests: ${status.requests.inFlight} in flight, ${status.requests.answered} answered since its start at ${isoTime(Math.floor(status.startedAtMs / 1000))}`,
              ];
    const seen = market === null ? [] : [`dispatcher: ${market.length} node(s) with a current offer`];
    const why = reasons.flatMap(({ code, detail, next }) => [`  ${code}: ${detail}`, `    -> ${next}`]);
    const gaps = unknown.map((gap) => `  could not look at ${gap}`);
    return [
        ...head,
        ...requests,
        ...seen,
        ...(why.length > 0 ? ['why it has no or little work:', ...why] : []),
        ...gaps,
    ].join('\n');
}
