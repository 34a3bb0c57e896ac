import { ChainError } from '../chain';
import type { EscrowAccount } from './escrow-book';

const order = ['open', 'closing', 'closed'] as const;

/**
 * The combination of two accounts of one escrow that trusts least: the smaller balance, the keys that both honour for the
 * shorter time, what both say was paid, and the state that is further towards closed. Null where one knows no such escrow.
 * @throws ChainError `rpc_disagreement` where they are of different epochs: caps of one mean nothing in the other
 */
export function leastOf(accounts: readonly (EscrowAccount | null)[]): EscrowAccount | null {
    const [first, ...others] = accounts;
    if (first === undefined || first === null) return null;
    return others.reduce<EscrowAccount | null>(
        (least, other) => (least === null || other === null ? null : lesser(least, other)),
        first,
    );
}

function lesser(one: EscrowAccount, other: EscrowAccount): EscrowAccount {
    if (one.epoch !== other.epoch) {
        throw new ChainError('rpc_disagreement', 'The endpoints show the escrow in different epochs');
    }
    return {
        escrow: one.escrow,
        epoch: one.epoch,
        status: order[Math.max(order.indexOf(one.status), order.indexOf(other.status))]!,
        balanceNano: min(one.balanceNano, other.balanceNano),
        sessionKeys: one.sessionKeys.flatMap(({ publicKey, validUntilSec }) => {
            const same = other.sessionKeys.find((key) => key.publicKey.equals(publicKey));
            return same === undefined
                ? []
                : [{ publicKey, validUntilSec: Math.min(validUntilSec, same.validUntilSec) }];
        }),
        paidNano: new Map(
            [...one.paidNano].map(([nodeKey, paid]) => [nodeKey, min(paid, other.paidNano.get(nodeKey) ?? 0n)]),
        ),
    };
}

function min(one: bigint, other: bigint): bigint {
    return one < other ? one : other;
}
