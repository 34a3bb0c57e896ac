import type { Address } from '@ton/core';
import type { Clock } from '../base';
import type { Signer } from '../confidential';
import type { EscrowAccount } from '../dispatch';
import { GatewayError, type GatewayErrorCode } from './errors';
import { escrowProblem } from './escrow-terms';
import type { GatewayHubs, HubAccount } from './gateway-hubs';

export interface EscrowAccountsOptions {
    hubs: Pick<GatewayHubs, 'accountAt' | 'all'>;
    session: Signer;
    clock: Clock;
}

const aboutOneHub: ReadonlySet<GatewayErrorCode> = new Set(['escrow_insufficient', 'escrow_not_open']);

/** The client's escrows, one at each hub, and whether they can pay. */
export class EscrowAccounts {
    constructor(private readonly options: EscrowAccountsOptions) {}

    /** @throws GatewayError `escrow_not_open` */
    at(hub: Address): HubAccount {
        const account = this.options.hubs.accountAt(hub);
        if (account !== undefined) return account;
        throw new GatewayError(
            'escrow_not_open',
            `there is no escrow at hub ${hub}: open it with the open-escrow script`,
        );
    }

    /** The escrow as the chain has it, not older than `maxAgeMs`. @throws GatewayError when it can't pay */
    async open(hub: Address, maxAgeMs?: number): Promise<EscrowAccount> {
        const { session } = this.options;
        const { book, escrow } = this.at(hub);
        let account: EscrowAccount | null;
        try {
            account = await book.get(escrow, maxAgeMs);
        } catch (error) {
            throw new GatewayError('chain_unavailable', 'the chain cannot be read at the moment', {
                retryAfterMs: 2_000,
                cause: error,
            });
        }
        const current = account?.sessionKeys[0];
        const usable =
            account?.status === 'open' &&
            current?.publicKey.equals(session.publicKey) === true &&
            current.validUntilSec > this.options.clock.nowMs() / 1000;
        if (account !== null && usable) return account;
        if (maxAgeMs !== 0) return this.open(hub, 0);
        throw new GatewayError('escrow_not_open', escrowProblem(account));
    }

    /** The escrow of one hub can't pay; that of another may. */
    mayPayElsewhere(error: unknown): boolean {
        const isAboutEscrow = error instanceof GatewayError && aboutOneHub.has(error.code);
        return isAboutEscrow && this.options.hubs.all().length > 1;
    }
}
