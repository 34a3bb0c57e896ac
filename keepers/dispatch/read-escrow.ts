import { Address, type OpenedContract } from '@ton/core';
import { Escrow, type EscrowState, type PayoutConfig } from '../../wrappers';
import type { EscrowAccount, ReadEscrow } from './escrow-book';

/** The part of a chain client that reading an escrow needs. */
export interface EscrowReader {
    open(contract: Escrow): OpenedContract<Escrow>;
    isDeployed(address: Address): Promise<boolean>;
}

export interface HubScope {
    hub: Address;
    /** account id of the registry */
    network: Buffer;
    closeDelaySec: PayoutConfig['closeDelaySec'];
}

/**
 * Reads an escrow by account id. The account says who it is, and is believed only if that gives its address: so no
 * look-alike contract passes for an escrow of the hub.
 */
export function readEscrowOf(reader: EscrowReader, scope: HubScope): ReadEscrow {
    return async (escrow) => {
        const address = new Address(0, escrow);
        if (!(await reader.isDeployed(address))) return null;
        const state = await reader.open(Escrow.createFromAddress(address)).getState();
        const genuine = await Escrow.createFromConfig({
            hub: scope.hub,
            network: scope.network,
            client: state.client,
            index: state.index,
            closeDelaySec: scope.closeDelaySec,
        });
        return genuine.address.equals(address) ? accountOf(escrow, state) : null;
    };
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
