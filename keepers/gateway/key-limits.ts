import type { BudgetPeriod, LedgerError } from '../ledger';
import type { ApiKey } from './api-key-file';
import { GatewayError } from './errors';

/** @throws GatewayError `model_not_allowed` */
export function refuseModel(key: ApiKey | undefined, model: string): void {
    if (key?.models === undefined || key.models.includes(model)) return;
    const message = `the key '${key.name}' may ask only ${key.models.join(', ')}: use one of these, or another key`;
    throw new GatewayError('model_not_allowed', message, { param: 'model' });
}

/** Says which budget is used up, and when there is more. */
export function budgetExhausted(error: LedgerError, key: ApiKey, nowMs: number): GatewayError {
    const { period, budgetNano } = error.context as { period: BudgetPeriod; budgetNano: string };
    const renewal = renewalMs(period, nowMs);
    const more = renewal === undefined ? '' : ` (more from ${new Date(renewal).toISOString()})`;
    const message = `the ${period} budget of the key '${key.name}', ${budgetNano} nanoTON, does not cover this request${more}: lower max_tokens or raise the budget`;
    return new GatewayError('budget_exhausted', message, {
        param: 'max_tokens',
        retryAfterMs: renewal === undefined ? undefined : renewal - nowMs,
        cause: error,
    });
}

/** Budgets follow UTC. */
function renewalMs(period: BudgetPeriod, nowMs: number): number | undefined {
    const now = new Date(nowMs);
    if (period === 'day') return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
    if (period === 'month') return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
    return undefined;
}
