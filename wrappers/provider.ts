import { Address, beginCell, Cell, Contract, ContractProvider, Sender } from '@ton/core';
import {
    loadNodeKey,
    NodeKey as RawNodeKey,
    Provider as ProviderBinding,
    ProviderState as RawState,
} from '../build/Provider/Provider_Provider';
import { exitTexts } from './exit-texts';
import { encodeReceiptTail, type ReceiptTail } from './receipt';
import { fixedBytes } from './statement-fields';
import { withTupleItems } from './tuple-answers';
import { uint256, uint256ToBytes } from './uint256';

/** What a provider's address is computed from. */
export interface ProviderConfig {
    registry: Address;
    owner: Address;
}

export interface ProviderState extends ProviderConfig {
    /** Ed25519 public key that signs key bundles, 32 bytes; null: the owner authorises each bundle by message */
    operatorKey: Buffer | null;
    bondNano: bigint;
    /** on its way out, still slashable */
    unbondingNano: bigint;
    /** unix time in seconds from which `unbondingNano` can be withdrawn, null when nothing is unbonding */
    withdrawableAt: number | null;
    /** what the keys hold of the bond, which can not be taken below it */
    requiredBondNano: bigint;
    storedKeys: number;
    liveKeys: number;
    /** stays in the account on top of the bond */
    storageReserveNano: bigint;
}

/** An attested key as recorded on chain; hashes are 32 bytes. */
export interface NodeKey {
    /** unix time in seconds, inclusive */
    notAfter: number;
    /** unix time in seconds, null unless revoked */
    revokedAt: number | null;
    /** it contradicted itself and lost its share of the bond */
    isSlashed: boolean;
    /** its share of the bond, needed until `evidenceWindowSec` after its not-after */
    bondNano: bigint;
    suite: number;
    /** of the attestation that `notAfter` comes from */
    bundleHash: Buffer;
    imageId: Buffer;
    modelRoot: Buffer;
    /** zeros: admitted by bond, no platform is known */
    platformId: Buffer;
}

/** So long after its not-after a key can be slashed, whether it was revoked before or not. */
export const evidenceWindowSec = 2 * 86_400;

export interface SlashOptions {
    nodeKey: Buffer;
    /** account id (hash) of the escrow, 32 bytes */
    escrow: Buffer;
    epoch: number;
    /** two receipts that can not both be honest, see contracts/provider/contradiction.tact */
    receipts: readonly [EvidenceReceipt, EvidenceReceipt];
}

export interface EvidenceReceipt {
    receipt: ReceiptTail;
    /** by the suite of the node's key, 64 bytes */
    signature: Buffer;
}

export interface ProviderCallOptions {
    /** what is left of it comes back */
    valueNano?: bigint;
    queryId?: bigint;
}

/** Covers the fees of a call; the first one also fills the storage reserve. */
const callValueNano = 100_000_000n;
const createValueNano = 500_000_000n;

/** What an admission takes through provider and hub, with storage of a new node at the hub; the rest comes back. */
export const admissionValueNano = 300_000_000n;

/** One provider's bond and attested keys. Errors of refused messages: `providerErrors`. */
export class Provider implements Contract {
    private constructor(private readonly binding: ProviderBinding) {}

    static async createFromConfig(config: ProviderConfig): Promise<Provider> {
        return new Provider(await ProviderBinding.fromInit(config.registry, config.owner));
    }

    static createFromAddress(address: Address): Provider {
        return new Provider(ProviderBinding.fromAddress(address));
    }

    get address(): Address {
        return this.binding.address;
    }

    get init(): { code: Cell; data: Cell } | undefined {
        return this.binding.init;
    }

    /** From the owner; deploys. `operatorKey` null: bundles are authorised by message only. Doing it twice does no harm. */
    async sendCreate(
        provider: ContractProvider,
        via: Sender,
        options: ProviderCallOptions & { operatorKey: Buffer | null },
    ) {
        const operatorKey = operatorKeyField(options.operatorKey);
        const message = { $$type: 'CreateProvider', queryId: options.queryId ?? 0n, operatorKey } as const;
        await this.send(provider, via, options.valueNano ?? createValueNano, message);
    }

    /** From the owner. */
    async sendSetOperatorKey(
        provider: ContractProvider,
        via: Sender,
        options: ProviderCallOptions & { operatorKey: Buffer | null },
    ) {
        const operatorKey = operatorKeyField(options.operatorKey);
        const message = { $$type: 'SetOperatorKey', queryId: options.queryId ?? 0n, operatorKey } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From anyone. The bond grows by `valueNano` less fees (under 0.01 TON) and what the storage reserve lacks. */
    async sendBond(provider: ContractProvider, via: Sender, options: { valueNano: bigint; queryId?: bigint }) {
        await this.send(provider, via, options.valueNano, { $$type: 'Bond', queryId: options.queryId ?? 0n });
    }

    /** From the owner. Withdrawable seven days later; asking again before the withdrawal starts the wait anew for both. */
    async sendUnbond(provider: ContractProvider, via: Sender, options: ProviderCallOptions & { amountNano: bigint }) {
        const message = { $$type: 'Unbond', queryId: options.queryId ?? 0n, amount: options.amountNano } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner, from `withdrawableAt` on. */
    async sendWithdrawBond(provider: ContractProvider, via: Sender, options: ProviderCallOptions = {}) {
        const message = { $$type: 'WithdrawBond', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner: this bundle may be recorded once within seven days without the operator key's signature. */
    async sendAuthorizeBundle(
        provider: ContractProvider,
        via: Sender,
        options: ProviderCallOptions & { bundleHash: Buffer },
    ) {
        const bundleHash = uint256('bundleHash', options.bundleHash);
        const message = { $$type: 'AuthorizeBundle', queryId: options.queryId ?? 0n, bundleHash } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner, for good. Hubs learn it from `sendRequestAdmission`. */
    async sendRevokeKey(provider: ContractProvider, via: Sender, options: ProviderCallOptions & { nodeKey: Buffer }) {
        const nodeKey = uint256('nodeKey', options.nodeKey);
        const message = { $$type: 'RevokeKey', queryId: options.queryId ?? 0n, nodeKey } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From anyone, who pays: tells a hub until when the key is good, or since when it is revoked. */
    async sendRequestAdmission(
        provider: ContractProvider,
        via: Sender,
        options: ProviderCallOptions & { nodeKey: Buffer; hub: Address },
    ) {
        const nodeKey = uint256('nodeKey', options.nodeKey);
        const message = {
            $$type: 'RequestAdmission',
            queryId: options.queryId ?? 0n,
            nodeKey,
            hub: options.hub,
        } as const;
        await this.send(provider, via, options.valueNano ?? admissionValueNano, message);
    }

    /**
     * From anyone, with two receipts of a key that contradict each other; a tenth of the key's bond comes to the sender.
     * @throws StatementError when a field of a receipt does not fit
     */
    async sendSlash(provider: ContractProvider, via: Sender, options: ProviderCallOptions & SlashOptions) {
        const message = {
            $$type: 'Slash',
            queryId: options.queryId ?? 0n,
            nodeKey: uint256('nodeKey', options.nodeKey),
            escrow: uint256('escrow', options.escrow),
            epoch: BigInt(options.epoch),
            first: signedReceiptCell(options.receipts[0]),
            second: signedReceiptCell(options.receipts[1]),
        } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    async getState(provider: ContractProvider): Promise<ProviderState> {
        return readState(await this.binding.getState(provider));
    }

    /** Null: never recorded, or expired more than seven days ago and pruned. */
    async getKey(provider: ContractProvider, nodeKey: Buffer): Promise<NodeKey | null> {
        const raw = await this.binding.getKey(withTupleItems(provider), uint256('nodeKey', nodeKey));
        return raw === null ? null : readKey(raw);
    }

    /** Every stored key by its hex; expired ones stay for seven days. */
    async getKeys(provider: ContractProvider): Promise<Map<string, NodeKey>> {
        const raw = await this.binding.getKeys(provider);
        return new Map(
            [...raw].map(([key, value]) => [
                uint256ToBytes(key).toString('hex'),
                readKey(loadNodeKey(value.beginParse())),
            ]),
        );
    }

    /** Hex of bundle hash -> unix time in seconds at which the owner's authorisation lapses. */
    async getAuthorizations(provider: ContractProvider): Promise<Map<string, number>> {
        const raw = await this.binding.getAuthorizations(provider);
        return new Map([...raw].map(([hash, lapsesAt]) => [uint256ToBytes(hash).toString('hex'), lapsesAt]));
    }

    /** What the keys hold of the bond; Unbond can not go below it. */
    async getRequiredBond(provider: ContractProvider): Promise<bigint> {
        return this.binding.getRequiredBond(provider);
    }

    private async send(provider: ContractProvider, via: Sender, value: bigint, message: ProviderMessage) {
        await this.binding.send(provider, via, { value }, message);
    }
}

type ProviderMessage = Parameters<ProviderBinding['send']>[3];

/** Exit code of a refused message, or `reason` of RegistrationRefused -> its text. */
export const providerErrors: ReadonlyMap<number, string> = exitTexts(ProviderBinding.errors, ['Provider']);

/**
 * `first` and `second` of Slash.
 * @throws StatementError when a field does not fit
 */
export function signedReceiptCell({ receipt, signature }: EvidenceReceipt): Cell {
    const signed = beginCell().storeBuffer(fixedBytes('receipt signature', signature, 64));
    return beginCell().storeBuffer(encodeReceiptTail(receipt)).storeRef(signed).endCell();
}

function operatorKeyField(key: Buffer | null): bigint {
    return key === null ? 0n : uint256('operatorKey', key);
}

function readState(raw: RawState): ProviderState {
    return {
        registry: raw.registry,
        owner: raw.owner,
        operatorKey: raw.operatorKey === 0n ? null : uint256ToBytes(raw.operatorKey),
        bondNano: raw.bond,
        unbondingNano: raw.unbonding,
        withdrawableAt: raw.unbonding === 0n ? null : Number(raw.withdrawableAt),
        requiredBondNano: raw.requiredBond,
        storedKeys: Number(raw.storedKeys),
        liveKeys: Number(raw.liveKeys),
        storageReserveNano: raw.reserve,
    };
}

function readKey(raw: RawNodeKey): NodeKey {
    return {
        notAfter: Number(raw.notAfter),
        revokedAt: raw.revokedAt === 0n ? null : Number(raw.revokedAt),
        isSlashed: raw.slashed,
        bondNano: raw.bond,
        suite: Number(raw.suite),
        bundleHash: uint256ToBytes(raw.bundleHash),
        imageId: uint256ToBytes(raw.imageId),
        modelRoot: uint256ToBytes(raw.modelRoot),
        platformId: uint256ToBytes(raw.platformId),
    };
}
