import { CocoonError, type CocoonErrorOptions, type ErrorAction } from '../base';

export type ChainErrorCode =
    /** No endpoint answered in time. */
    | 'rpc_unavailable'
    | 'rpc_rate_limited'
    /** The endpoint calls the request wrong. */
    | 'rpc_refused'
    /** An answer that isn't what the API promises: perhaps a changed API. */
    | 'rpc_malformed'
    /** The endpoint shows an older chain than it showed before. */
    | 'rpc_stale'
    /** An answer that contradicts itself: hashes or links that do not fit. */
    | 'rpc_inconsistent'
    /** Endpoints say different things about one block: nothing is trusted until two agree. */
    | 'rpc_disagreement'
    /** Fewer than two independent endpoints answered where two have to agree. */
    | 'agreement_unavailable'
    /** TON has changed into something that this version does not know: no sends and no new trust until it is understood. */
    | 'chain_upgraded'
    /** The account's code didn't accept the external message; `exitCode` where known. */
    | 'message_rejected'
    | 'get_method_failed'
    | 'account_inactive'
    /** A transaction of the trace failed; `exitCode`, `account` and `transactionHash` say where. */
    | 'transaction_failed'
    /** The message was neither seen on chain nor ruled out in time. */
    | 'not_confirmed'
    /** Signed again and again, and each time provably not executed: by rivals of the same key, or because nothing arrives. */
    | 'not_executed'
    /** It may have been executed: its time is over, and the transactions that would tell are gone. */
    | 'send_untraced'
    /** The intent's own time was over before it could be signed. */
    | 'send_outdated'
    /** By the prices of the moment it should cost more than its ceiling. */
    | 'fee_above_ceiling'
    | 'insufficient_gas_money'
    /** The endpoint no longer has transactions between two that we saw. */
    | 'history_gap'
    | 'deployment_invalid'
    | 'wallet_invalid';

const actions: Record<ChainErrorCode, ErrorAction> = {
    rpc_unavailable: 'retry',
    rpc_rate_limited: 'retry',
    rpc_refused: 'fix',
    rpc_malformed: 'stop',
    rpc_stale: 'retry',
    rpc_inconsistent: 'retry',
    rpc_disagreement: 'retry',
    agreement_unavailable: 'retry',
    chain_upgraded: 'retry',
    message_rejected: 'fix',
    get_method_failed: 'fix',
    account_inactive: 'fix',
    transaction_failed: 'fix',
    not_confirmed: 'retry',
    not_executed: 'retry',
    send_untraced: 'retry',
    send_outdated: 'fix',
    fee_above_ceiling: 'retry',
    insufficient_gas_money: 'fix',
    history_gap: 'stop',
    deployment_invalid: 'fix',
    wallet_invalid: 'fix',
};

export class ChainError extends CocoonError<ChainErrorCode> {
    constructor(code: ChainErrorCode, message: string, options: Omit<CocoonErrorOptions, 'action'> = {}) {
        super(code, message, { action: actions[code], ...options });
    }

    /** Of the contract's code, where the error has one. */
    get exitCode(): number | null {
        const { exitCode } = this.context;
        return typeof exitCode === 'number' ? exitCode : null;
    }
}

/** Nothing new can be trusted now: what is remembered may go on serving, and one endpoint alone may take away from it. */
export function isOfAgreement(error: unknown): boolean {
    return error instanceof ChainError && ofAgreement.has(error.code);
}

const ofAgreement = new Set<ChainErrorCode>(['agreement_unavailable', 'rpc_disagreement', 'chain_upgraded']);
