import type { OfferModel } from '../confidential';
import type { EscrowAccount } from '../dispatch';
import { GatewayError } from './errors';
import type { RequestShape } from './request-shape';

/**
 * The worst case is bounded by the model's context, so that no more than needed is set aside. But who asks by name for more
 * tokens than the whole escrow could pay is told so, rather than by an engine that cannot know.
 */
export function refuseUnaffordable(
    { work }: RequestShape,
    { outputNano }: OfferModel,
    { balanceNano }: EscrowAccount,
): void {
    const askedNano = (outputNano * BigInt(work.completions) * BigInt(work.maxTokens ?? 0)) / 1_000_000n;
    if (askedNano <= balanceNano) return;
    const message = `max_tokens asks for up to ${askedNano} nanoTON of output, and the escrow holds ${balanceNano}: lower max_tokens or top the escrow up`;
    throw new GatewayError('escrow_insufficient', message, { param: 'max_tokens' });
}

/** Why the escrow cannot pay now, and which script mends it. */
export function escrowProblem(account: EscrowAccount | null): string {
    if (account === null) return 'the escrow does not exist yet: open it with the open-escrow script';
    if (account.status !== 'open') return `the escrow is ${account.status}: open it again with the open-escrow script`;
    return "the escrow does not honour this gateway's session key any more: renew it with the set-session script";
}
