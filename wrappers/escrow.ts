import { Address, Cell, Contract, ContractProvider, Sender } from '@ton/core';
import { Escrow as EscrowBinding, EscrowState as RawState } from '../build/Escrow/Escrow_Escrow';
import { exitTexts } from './exit-texts';
import { PaidAmounts, readPaidAmounts } from './paid-amounts';
import { bytes32 } from './statement-fields';

/** What an escrow's address is computed from. */
export interface EscrowConfig {
    hub: Address;
    /** account id of the registry, 32 bytes */
    network: Buffer;
    client: Address;
    /** several escrows of one client at one hub differ by it, 32 bits */
    index: number;
    /** the hub's close delay */
    closeDelaySec: number;
}

export type EscrowPhase = 'closed' | 'open' | 'closing';

export interface RetiredSessionKey {
    key: Buffer;
    /** unix time in seconds, inclusive, until which charges accept it */
    validUntil: number;
}

export interface EscrowState extends EscrowConfig {
    phase: EscrowPhase;
    epoch: number;
    /** what charges and a withdrawal can reach now */
    balanceNano: bigint;
    sessionKey: Buffer;
    /** unix time in seconds; charges accept the key for the close delay longer */
    sessionExpiresAt: number;
    /** last second in which charges are accepted, null unless closing */
    closesAt: number | null;
    /** the charge that waits for the hub's acknowledgement */
    inFlight: { queryId: bigint; amountNano: bigint } | null;
    retiredKeys: RetiredSessionKey[];
    /** stays in the account on top of the balance */
    storageReserveNano: bigint;
    /** by node key in hex: nanoTON paid in this epoch; from the same moment as the balance */
    paidNano: PaidAmounts;
}

export interface SessionOptions {
    /** Ed25519 public key, 32 bytes */
    sessionKey: Buffer;
    /** unix time in seconds */
    sessionExpiresAt: number;
    queryId?: bigint;
}

/** Covers the fees and the storage reserve of a first OpenEscrow at today's prices; what is over joins the deposit. */
export const openAllowanceNano = 150_000_000n;

/** For messages whose rest comes back. */
const callValueNano = 50_000_000n;

const phases: readonly EscrowPhase[] = ['closed', 'open', 'closing'];

/** One client's money at one hub. Errors of refused messages: `escrowErrors`. */
export class Escrow implements Contract {
    private constructor(private readonly binding: EscrowBinding) {}

    static async createFromConfig(config: EscrowConfig): Promise<Escrow> {
        const network = BigInt('0x' + bytes32('network', config.network).toString('hex'));
        const { hub, client, index, closeDelaySec } = config;
        return new Escrow(await EscrowBinding.fromInit(hub, network, client, BigInt(index), BigInt(closeDelaySec)));
    }

    static createFromAddress(address: Address): Escrow {
        return new Escrow(EscrowBinding.fromAddress(address));
    }

    get address(): Address {
        return this.binding.address;
    }

    get init(): { code: Cell; data: Cell } | undefined {
        return this.binding.init;
    }

    /**
     * From the client; deploys the account when it is new. The deposit is `valueNano` less `getOpenFee`, so it is
     * `valueNano - openAllowanceNano` at least.
     */
    async sendOpen(provider: ContractProvider, via: Sender, options: SessionOptions & { valueNano: bigint }) {
        await this.send(provider, via, options.valueNano, { $$type: 'OpenEscrow', ...sessionFields(options) });
    }

    /** From anyone. The balance grows by `valueNano` less `getTopUpFee`. */
    async sendTopUp(provider: ContractProvider, via: Sender, options: { valueNano: bigint; queryId?: bigint }) {
        await this.send(provider, via, options.valueNano, { $$type: 'TopUp', queryId: options.queryId ?? 0n });
    }

    /** From the client. Charges accept the replaced key for the close delay; at most two such keys at a time. */
    async sendSetSession(provider: ContractProvider, via: Sender, options: SessionOptions & { valueNano?: bigint }) {
        const message = { $$type: 'SetSession', ...sessionFields(options) } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the client. Starts the close delay; calling again changes nothing. */
    async sendClose(provider: ContractProvider, via: Sender, options: { valueNano?: bigint; queryId?: bigint } = {}) {
        const message = { $$type: 'CloseEscrow', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the client, once `closesAt` has passed. */
    async sendWithdraw(
        provider: ContractProvider,
        via: Sender,
        options: { valueNano?: bigint; queryId?: bigint } = {},
    ) {
        const message = { $$type: 'Withdraw', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    async getState(provider: ContractProvider): Promise<EscrowState> {
        return readState(await this.binding.getState(provider));
    }

    /** NanoTON paid to the node in the current epoch. */
    async getPaid(provider: ContractProvider, nodeKey: Buffer): Promise<bigint> {
        return this.binding.getPaid(provider, BigInt('0x' + bytes32('nodeKey', nodeKey).toString('hex')));
    }

    /** What OpenEscrow takes off its value today; needs a deployed account. */
    async getOpenFee(provider: ContractProvider): Promise<bigint> {
        return this.binding.getOpenFee(provider);
    }

    /** What TopUp takes off its value today. */
    async getTopUpFee(provider: ContractProvider): Promise<bigint> {
        return this.binding.getTopUpFee(provider);
    }

    private async send(provider: ContractProvider, via: Sender, value: bigint, message: EscrowMessage) {
        await this.binding.send(provider, via, { value }, message);
    }
}

type EscrowMessage = Parameters<EscrowBinding['send']>[3];

/** Exit code of a refused message -> its text. */
export const escrowErrors: ReadonlyMap<number, string> = exitTexts(EscrowBinding.errors, ['Escrow', 'Cocoon']);

/** `reason` of ChargeRefused -> its text. */
export const chargeRefusals: ReadonlyMap<number, string> = new Map([
    [1, 'the escrow is closed'],
    [2, 'the receipts are of another epoch'],
    [3, 'the close delay has passed'],
    [4, 'another charge is in flight'],
    [5, 'no line has anything left to pay under a valid cap'],
    [6, 'the balance is empty'],
    [7, 'the value does not cover the rest of the way'],
]);

function sessionFields(options: SessionOptions) {
    return {
        queryId: options.queryId ?? 0n,
        sessionKey: BigInt('0x' + bytes32('sessionKey', options.sessionKey).toString('hex')),
        sessionExpiresAt: BigInt(options.sessionExpiresAt),
    };
}

function readState(raw: RawState): EscrowState {
    return {
        hub: raw.hub,
        network: toBytes32(raw.network),
        client: raw.client,
        index: Number(raw.index),
        closeDelaySec: Number(raw.closeDelaySec),
        phase: phases[Number(raw.phase)]!,
        epoch: Number(raw.epoch),
        balanceNano: raw.balance,
        sessionKey: toBytes32(raw.sessionKey),
        sessionExpiresAt: Number(raw.sessionExpiresAt),
        closesAt: raw.closesAt === 0n ? null : Number(raw.closesAt),
        inFlight: raw.inFlightQueryId < 0n ? null : { queryId: raw.inFlightQueryId, amountNano: raw.inFlight },
        retiredKeys: readRetiredKeys(raw.retiredKeys),
        storageReserveNano: raw.storageReserve,
        paidNano: readPaidAmounts(raw.paid),
    };
}

function readRetiredKeys(cell: Cell | null): RetiredSessionKey[] {
    const keys: RetiredSessionKey[] = [];
    for (const slice = cell?.beginParse(); slice && slice.remainingBits > 0;) {
        keys.push({ key: slice.loadBuffer(32), validUntil: slice.loadUint(32) });
    }
    return keys;
}

function toBytes32(value: bigint): Buffer {
    return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}
