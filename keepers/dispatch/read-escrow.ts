import { Address } from '@ton/core';
import { type Clock, systemClock } from '../base';
import { type ChainClient, ChainError, type ChainView, isOfAgreement } from '../chain';
import { Escrow, type EscrowState, type PayoutConfig } from '../../wrappers';
import type { EscrowAccount, ReadEscrow } from './escrow-book';
import { leastOf } from './least-escrow';

export interface HubScope {
    hub: Address;
    /** account id of the registry */
    network: Buffer;
    closeDelaySec: PayoutConfig['closeDelaySec'];
}

interface Agreed {
    account: EscrowAccount;
    /** By the monotonic clock. */
    atMs: number;
}

/** For how long what two endpoints agreed on serves as the most that one of them alone is believed. */
const agreedServesMs = 600_000;
const rememberedEscrows = 50_000;

/**
 * Reads an escrow by account id. The account says who it is, and is believed only if that gives its address: so no
 * look-alike contract passes for an escrow of the hub. Two operators' endpoints must agree. While they can't, one alone may
 * take away from what was agreed on before, and adds nothing.
 */
export function readEscrowOf(
    client: Pick<ChainClient, 'agree' | 'latest'>,
    scope: HubScope,
    clock: Clock = systemClock,
): ReadEscrow {
    const remembered = new Map<string, Agreed>();
    return async (escrow) => {
        const id = escrow.toString('hex');
        const read = (chain: ChainView) => readGenuine(chain, escrow, scope);
        try {
            const account = await client.agree(read, { fold: leastOf });
            remembered.delete(id);
            if (account !== null) remembered.set(id, { account, atMs: clock.monotonicMs() });
            if (remembered.size > rememberedEscrows) remembered.delete(remembered.keys().next().value!);
            return account;
        } catch (error) {
            const agreed = remembered.get(id);
            const serves = agreed !== undefined && clock.monotonicMs() - agreed.atMs <= agreedServesMs;
            if (!serves || !isOfAgreement(error)) throw error;
            return leastOf([agreed.account, await client.latest(read)]);
        }
    };
}

async function readGenuine(chain: ChainView, escrow: Buffer, scope: HubScope): Promise<EscrowAccount | null> {
    const address = new Address(0, escrow);
    const state = await stateOf(chain, address);
    if (state === null) return null;
    const genuine = await Escrow.createFromConfig({
        hub: scope.hub,
        network: scope.network,
        client: state.client,
        index: state.index,
        closeDelaySec: scope.closeDelaySec,
    });
    return genuine.address.equals(address) ? accountOf(escrow, state) : null;
}

async function stateOf(chain: ChainView, address: Address): Promise<EscrowState | null> {
    try {
        return await chain.open(Escrow.createFromAddress(address)).getState();
    } catch (error) {
        if (error instanceof ChainError && error.code === 'account_inactive') return null;
        throw error;
    }
}

export function accountOf(escrow: Buffer, state: EscrowState): EscrowAccount {
    const { sessionKey, sessionExpiresAt, retiredKeys } = state;
    return {
        escrow,
        epoch: state.epoch,
        status: state.phase,
        balanceNano: state.balanceNano,
        sessionKeys: [
            { publicKey: sessionKey, validUntilSec: sessionExpiresAt },
            ...retiredKeys.map(({ key, validUntil }) => ({ publicKey: key, validUntilSec: validUntil })),
        ],
        paidNano: state.paidNano,
    };
}
