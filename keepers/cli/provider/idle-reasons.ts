import { formatTon } from '../../base';
import { costNano } from '../../confidential';
import { alreadyConnected, type NodeStatus } from '../../node';
import type { MarketNode } from './market';

/** Why a node gets no work, or not as much as it could. `down`: it can't get any. */
export interface IdleReason {
    code:
        | 'not_running'
        | 'not_connected'
        | 'not_admitted'
        | 'engine_down'
        | 'not_listed'
        | 'evidence_refused'
        | 'failing'
        | 'refusing'
        | 'dear'
        | 'full'
        | 'no_demand'
        | 'demand_elsewhere';
    down: boolean;
    detail: string;
    next: string;
}

const failureLimit = 0.2;

/** What the dispatcher's directory says about this node beside the others. Pure. */
export function marketReasons(own: MarketNode | undefined, all: readonly MarketNode[]): IdleReason[] {
    if (own === undefined) {
        const detail = 'the dispatcher lists no current offer of this node';
        const next = 'see the node’s log; the clock too (doctor), an offer lives ten minutes';
        return [{ code: 'not_listed', down: true, detail, next }];
    }
    const others = all.filter(({ nodeKey }) => nodeKey !== own.nodeKey);
    return [...loadReasons(own, others), ...priceReasons(own, others)];
}

function loadReasons({ load }: MarketNode, others: readonly MarketNode[]): IdleReason[] {
    const reasons: IdleReason[] = [];
    if (load.failureShare > failureLimit) {
        const detail = `${Math.round(load.failureShare * 100)} % of its recent answers failed, so gateways choose others`;
        reasons.push({ code: 'failing', down: false, detail, next: 'see the engine’s log and doctor' });
    }
    if (load.inFlight >= load.maxConcurrency) {
        const detail = `${load.inFlight} of ${load.maxConcurrency} places are taken, ${load.queued} request(s) wait`;
        reasons.push({
            code: 'full',
            down: false,
            detail,
            next: 'raise engine.maxConcurrency if the engine can take more, or your prices',
        });
    } else if (load.inFlight === 0) reasons.push(demandReason(others));
    return reasons;
}

function demandReason(others: readonly MarketNode[]): IdleReason {
    const elsewhere = others.reduce((sum, { load }) => sum + load.inFlight + load.queued, 0);
    if (elsewhere === 0) {
        const detail = `nobody asks: none of the ${others.length} other node(s) of this dispatcher has a request now`;
        return { code: 'no_demand', down: false, detail, next: 'wait, or connect to a hub with more clients' };
    }
    const detail = `other nodes of this dispatcher have ${elsewhere} request(s) now, this one none`;
    const next =
        'compare models and prices (cocoon prices, at a gateway); gateways also ask for GPUs and stay with the node of a conversation';
    return { code: 'demand_elsewhere', down: false, detail, next };
}

/** A thousand tokens in and out, as a client would compare. */
const sample = { promptTokens: 1_000, cachedPromptTokens: 0, completionTokens: 1_000, reasoningTokens: 0 };

function priceReasons(own: MarketNode, others: readonly MarketNode[]): IdleReason[] {
    return own.offer.models.flatMap((terms) => {
        const rivals = others.flatMap(({ offer }) => offer.models.filter(({ model }) => model === terms.model));
        const rivalsNano = rivals.map((rival) => costNano(rival, sample)).sort((a, b) => (a < b ? -1 : 1));
        const ownNano = costNano(terms, sample);
        if (rivalsNano.length === 0 || ownNano <= rivalsNano.at(-1)!) return [];
        const detail = `its price for ${terms.model} is above all ${rivalsNano.length} other(s): ${formatTon(ownNano)} TON for 1000 tokens in and out, theirs ${formatTon(rivalsNano[0]!)} to ${formatTon(rivalsNano.at(-1)!)}`;
        return [
            {
                code: 'dear' as const,
                down: false,
                detail,
                next: `cocoon node set-prices --model ${terms.model} --output …`,
            },
        ];
    });
}

/** What the node knows: its connection, its engine, and what it refused and why. */
export function ownReasons(status: NodeStatus): IdleReason[] {
    const { dispatcher, dispatchers, engine, requests } = status;
    const reasons: IdleReason[] = [];
    // One replica has one connection, by whichever URL came first.
    const cut = dispatchers.filter(({ connected, problem }) => !connected && problem !== alreadyConnected);
    if (dispatcher.connected && cut.length > 0) {
        const detail = `no connection to ${cut.map(({ url, problem }) => `${url} (${problem ?? 'dialling'})`).join(', ')}`;
        const next = 'none while the others serve; else check dispatchers and the network';
        reasons.push({ code: 'not_connected', down: false, detail, next });
    }
    if (!dispatcher.connected) {
        const detail = `no connection to ${dispatcher.url}${dispatcher.problem === null ? '' : `: ${dispatcher.problem}`}`;
        const next = 'check dispatcherUrl and the network; if it names admission, see doctor';
        reasons.push({ code: 'not_connected', down: true, detail, next });
    }
    if (engine !== null && !engine.ok)
        reasons.push({
            code: 'engine_down',
            down: true,
            detail: `the engine does not answer: ${engine.detail}`,
            next: 'start it; see its log',
        });
    const refused = Object.entries(requests.refused).sort(([, a], [, b]) => b - a);
    const count = refused.reduce((sum, [, times]) => sum + times, 0);
    if (count > requests.answered) {
        const told = refused
            .slice(0, 3)
            .map(([code, times]) => `${code} ${times}`)
            .join(', ');
        const [mostly] = refused[0]!;
        reasons.push({
            code: 'refusing',
            down: false,
            detail: `it refused ${count} request(s) and answered ${requests.answered}: ${told}`,
            next: refusalNext[mostly] ?? 'see the node’s log',
        });
    }
    return reasons;
}

const refusalNext: Partial<Record<string, string>> = {
    credit_line_reached:
        'clients owe as much as creditLineNano lends: have receipts settled (a settler over the receipt log), or raise it',
    escrow_insufficient:
        'clients ask for more than their escrows hold, and their dispatcher lets them: see which one it is',
    chain_unavailable: 'the node can’t read the chain: check chain.endpoints',
    node_draining: 'the node is stopping or could not write a receipt: see its log and restart it',
    model_unknown: 'clients ask for another model than it serves',
    escrow_unknown: 'its view of the chain lags: check chain.endpoints',
    offer_unknown: 'its clock or a gateway’s is wrong: see doctor',
    deadline_passed: 'its clock is ahead, or requests wait too long: see doctor',
};
