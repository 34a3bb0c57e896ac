import type { Clock, Logger } from '../base';
import { keptHeaders, type Signer } from '../confidential';
import type { GatewayLedger } from '../ledger';
import type { GatewayMetrics, ObservedRequest } from '../telemetry';
import type { Answer } from './answer';
import { type Choice, chooseFrom, noTrustedNode } from './choice';
import type { DispatcherClient } from './dispatcher-client';
import { DispatcherConduct } from './dispatcher-conduct';
import { GatewayError } from './errors';
import { EscrowAccounts } from './escrow-accounts';
import type { GatewayHubs } from './gateway-hubs';
import { GatewayView } from './gateway-view';
import { refuseModel } from './key-limits';
import { NodeExchange } from './node-exchange';
import type { NodeDirectory } from './node-directory';
import { NodePicker } from './node-picker';
import { deadlinePassed, NotBegun, notServed } from './not-begun';
import type { Question } from './question';
import { RequestClosings } from './request-closings';
import { RequestSealer } from './request-sealer';
import { type RequestShape, shapeOf } from './request-shape';
import type { TrustedNode } from './trusted-node';

export interface GatewayOptions {
    network: Buffer;
    /** The client's escrows, one at each hub. */
    hubs: Pick<GatewayHubs, 'main' | 'accountAt' | 'all'>;
    session: Signer;
    ledger: GatewayLedger;
    directory: NodeDirectory;
    dispatchers: ReadonlyMap<string, DispatcherClient>;
    maxOutputPriceNano: bigint | undefined;
    requestTimeoutMs: number;
    metrics?: GatewayMetrics;
    clock: Clock;
    logger: Logger;
}

/** A node that refuses or fails before its first frame is replaced at most this often. */
const maxRepicks = 2;

/** Refusals that are about a dispatcher as a whole. */
const dispatcherDown = new Set(['dispatcher_unavailable', 'draining']);
/** How long others are used instead. */
const downMs = 5_000;
const steeringMs = 600_000;

/** Turns OpenAI requests into sealed, paid requests to attested nodes, and their answers back. */
export class GatewayService {
    readonly view: GatewayView;
    private readonly accounts: EscrowAccounts;
    private readonly closings: RequestClosings;
    private readonly exchange: NodeExchange;
    private readonly picker = new NodePicker();
    private readonly conduct = new DispatcherConduct();

    private draining = false;
    private open = 0;

    constructor(private readonly options: GatewayOptions) {
        this.view = new GatewayView(options);
        this.accounts = new EscrowAccounts(options);
        this.closings = new RequestClosings(options);
        const { accounts, closings } = this;
        const sealer = new RequestSealer({ ...options, accounts });
        this.exchange = new NodeExchange({ ...options, accounts, closings, sealer });
    }

    /** Writes down how requests ended for which the ledger had no room then. */
    retryClosings(): Promise<void> {
        return this.closings.retry();
    }

    /** @throws GatewayError; the answer's status is known when it returns */
    async ask(question: Question): Promise<Answer> {
        const observed = this.options.metrics?.requests.begin();
        const startedAtMs = performance.now();
        try {
            this.refuseWhenDraining();
            const answer = await this.find(question, observed);
            const firstFrameMs = performance.now() - startedAtMs;
            this.follow(answer, observed, firstFrameMs);
            return answer;
        } catch (error) {
            observed?.end(error instanceof GatewayError ? error.code : 'unexpected');
            throw error;
        }
    }

    private follow(answer: Answer, observed: ObservedRequest | undefined, firstFrameMs: number): void {
        this.open += 1;
        void answer.settled
            .then(
                () => observed?.end('answered', firstFrameMs),
                (error: unknown) =>
                    observed?.end(error instanceof GatewayError ? error.code : 'unexpected', firstFrameMs),
            )
            .finally(() => (this.open -= 1));
    }

    /** Answers that are being read. */
    get inFlight(): number {
        return this.open;
    }

    /** Whether new questions are refused; answers under way go on. */
    setDraining(draining: boolean): void {
        this.draining = draining;
    }

    private refuseWhenDraining(): void {
        if (!this.draining) return;
        throw new GatewayError('dispatcher_unavailable', 'this gateway is being stopped: try again soon', {
            retryAfterMs: 5_000,
        });
    }

    private async find(question: Question, observed: ObservedRequest | undefined): Promise<Answer> {
        const headers = keptHeaders({ 'content-type': 'application/json', accept: question.accept });
        const shape = shapeOf({ method: 'POST', path: question.path, headers, body: question.body });
        refuseModel(question.key, shape.model);
        let choice = this.choose(question, shape);
        const { clock, requestTimeoutMs } = this.options;
        const deadlineMs = clock.nowMs() + Math.min(question.timeoutMs ?? requestTimeoutMs, requestTimeoutMs);
        const tried = new Set<string>();
        /** Hubs whose escrow can't pay for this. */
        const spent = new Set<string>();
        const unreachable = new Set<string>();
        const isOut = ({ id, hub, dispatcherUrl }: TrustedNode) =>
            tried.has(id) || spent.has(hub.toRawString()) || unreachable.has(dispatcherUrl);
        let last: NotBegun | GatewayError | undefined;
        for (let asked = 0; asked <= maxRepicks; asked++) {
            const node = this.picker.pick(choice, isOut);
            if (node === undefined) break;
            tried.add(node.id);
            if (question.signal.aborted) throw new GatewayError('request_timeout', 'the caller went away');
            if (clock.nowMs() >= deadlineMs) throw deadlinePassed();
            try {
                const answer = await this.exchange.ask(node, shape, { ...question, deadlineMs, observed });
                this.picker.served(choice, node);
                this.conduct.began(node);
                return answer;
            } catch (error) {
                last = error as NotBegun | GatewayError;
                if (error instanceof NotBegun) {
                    this.onNotBegun(node, error);
                    if (error.refusal.code !== 'dispatcher_unavailable') continue;
                    // That was not the node: another hub's dispatcher may have it, and others that were picked at this one.
                    unreachable.add(node.dispatcherUrl);
                    tried.delete(node.id);
                    choice = this.chooseAgain(question, shape) ?? choice;
                } else if (this.accounts.mayPayElsewhere(error)) spent.add(node.hub.toRawString());
                else throw error;
            }
        }
        const { directory } = this.options;
        if (last instanceof GatewayError) throw last;
        throw last === undefined && directory.trusted.length === 0 ? noTrustedNode(directory) : notServed(last);
    }

    private choose(question: Question, shape: RequestShape): Choice {
        const { directory, maxOutputPriceNano } = this.options;
        const most = lowest(question.maxOutputPriceNano ?? maxOutputPriceNano, question.key?.maxPriceNano);
        return chooseFrom(directory, shape, { nodeId: question.nodeId, maxOutputPriceNano: most });
    }

    /** Among what the directory has now; undefined where that is nothing. */
    private chooseAgain(question: Question, shape: RequestShape): Choice | undefined {
        try {
            return this.choose(question, shape);
        } catch (error) {
            if (error instanceof GatewayError) return undefined;
            throw error;
        }
    }

    private onNotBegun(node: TrustedNode, { refusal }: NotBegun): void {
        const { logger, directory } = this.options;
        const code = refusal.nodeCode ?? refusal.code;
        this.options.metrics?.notBegun(refusal.code);
        logger.warn({ node: node.id, code }, 'the node did not begin');
        const { dispatcherUrl: url } = node;
        if (dispatcherDown.has(refusal.code)) return directory.leaveDispatcher(url, refusal.message, downMs);
        directory.notBegun(node);
        if (this.conduct.refused(node))
            directory.leaveDispatcher(url, 'it refuses most of the nodes that it names', steeringMs);
    }
}

function lowest(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
    if (one === undefined || other === undefined) return one ?? other;
    return one < other ? one : other;
}
