import { type Clock, type Logger } from '../base';
import {
    type AnswerBinding,
    encodeCapRaise,
    firstWindowNano,
    type OfferModel,
    type RequestedWork,
    signCapRaise,
    type Signer,
    windowGrowthNano,
    worstCaseNano,
} from '../confidential';
import type { EscrowAccount, StreamCap } from '../dispatch';
import { type GatewayLedger, LedgerError, type SpendingKey } from '../ledger';
import type { DispatcherClient } from './dispatcher-client';

/** A node that takes caps window by window says so in its offer. */
export const windowsCapability = 'windows';

/** The windows of one request: what the first cap covers, what each raise adds, where it ends. */
export interface CapWindows {
    firstNano: bigint;
    growthNano: bigint;
    worstNano: bigint;
}

/** Undefined where the cap covers the whole request from the start: one window is enough, or nobody counts on the way. */
export function capWindowsOf(terms: OfferModel, work: RequestedWork, streaming: boolean): CapWindows | undefined {
    if (!streaming || !terms.capabilities.includes(windowsCapability)) return undefined;
    const windows = {
        firstNano: firstWindowNano(terms, work),
        growthNano: windowGrowthNano(terms, work),
        worstNano: worstCaseNano(terms, work),
    };
    return windows.growthNano > 0n && windows.firstNano < windows.worstNano ? windows : undefined;
}

export interface CapRaiserOptions {
    requestId: Buffer;
    to: AnswerBinding;
    windows: CapWindows;
    stream: StreamCap;
    session: Signer;
    key: SpendingKey | undefined;
    ledger: Pick<GatewayLedger, 'raise' | 'recordRaised'>;
    /** The escrow; with 0, as the chain has it now. */
    account: (maxAgeMs?: number) => Promise<EscrowAccount>;
    client: Pick<DispatcherClient, 'raise'>;
    clock: Clock;
    logger: Logger;
}

/** At most this many windows may be open that no receipt of the node accounts for. */
const unprovenWindows = 2n;
const retryMs = 500;
/** Another answer's end may mend these. */
const mayPass = new Set<string>(['escrow_insufficient', 'budget_exhausted', 'ledger_busy', 'ledger_write_failed']);
/** As long as a node waits. */
const patienceMs = 10_000;

/** Raises the cap of one running request when its node asks, never further than what the node signed for bears. */
export class CapRaiser {
    private allowanceNano: bigint;
    private busy = false;
    private readonly over = new AbortController();

    constructor(private readonly options: CapRaiserOptions) {
        this.allowanceNano = options.windows.firstNano;
    }

    /** The answer has ended. */
    stop(): void {
        this.over.abort(new Error('the answer has ended'));
    }

    /** @param signedNano cost in the node's last receipt of this request */
    ask(signedNano: bigint): void {
        const { worstNano, growthNano } = this.options.windows;
        const wanted = this.allowanceNano + growthNano;
        const allowanceNano = wanted < worstNano ? wanted : worstNano;
        const unproven = allowanceNano - signedNano > unprovenWindows * growthNano;
        if (this.busy || unproven || allowanceNano <= this.allowanceNano) return;
        this.busy = true;
        this.raise(allowanceNano)
            .catch((error: unknown) => this.onFailure(error))
            .finally(() => (this.busy = false));
    }

    private async raise(allowanceNano: bigint): Promise<void> {
        const { requestId, to, session, ledger, stream, client } = this.options;
        const { capCumulativeNano: cumulativeNano } = await this.persist((fresh) => this.reserve(allowanceNano, fresh));
        this.allowanceNano = allowanceNano;
        const raise = signCapRaise(to, { requestId, allowanceNano, cumulativeNano }, session);
        await ledger.recordRaised({
            requestId,
            allowanceNano,
            capCumulativeNano: cumulativeNano,
            capSignature: raise.capSignature,
        });
        if (cumulativeNano > stream.highestNano) stream.highestNano = cumulativeNano;
        await this.persist(() => client.raise(requestId, encodeCapRaise(raise), this.over.signal));
    }

    private async reserve(allowanceNano: bigint, fresh: boolean): Promise<{ capCumulativeNano: bigint }> {
        const { ledger, requestId, account, key, clock } = this.options;
        const funds = await account(fresh ? 0 : undefined);
        return ledger.raise({ requestId, allowanceNano, funds, key, atMs: clock.nowMs() });
    }

    /** Another answer's end may free what this one lacks, and a dispatcher may stumble. */
    private async persist<T>(act: (again: boolean) => Promise<T>): Promise<T> {
        const { clock } = this.options;
        const untilMs = clock.monotonicMs() + patienceMs;
        for (let again = false; ; again = true) {
            try {
                return await act(again);
            } catch (error) {
                const final = error instanceof LedgerError && !mayPass.has(error.code);
                if (final || this.over.signal.aborted || clock.monotonicMs() >= untilMs) throw error;
                await clock.sleep(retryMs, this.over.signal);
            }
        }
    }

    private onFailure(error: unknown): void {
        if (this.over.signal.aborted) return;
        const code = (error as { code?: unknown } | null)?.code;
        this.options.logger.warn({ code: typeof code === 'string' ? code : 'unknown' }, 'a cap was not raised');
    }
}
