import { Address, Cell, Contract, ContractProvider, Sender } from '@ton/core';
import { Payout as PayoutBinding } from '../build/Payout/Payout_Payout';
import { exitTexts } from './exit-texts';
import { type StoredHubNodes, storedHubNodes } from './hub-nodes';
import { buildSettlementLines, SettlementLine } from './settlement';
import { bytes32 } from './statement-fields';
import { withTupleItems } from './tuple-answers';

/** What a hub's address is computed from. */
export interface PayoutConfig {
    registry: Address;
    operator: Address;
    /** seconds between a client's close (or a fee rise) and its effect, 32 bits */
    closeDelaySec: number;
    /** ceiling of the operator's fee for the hub's life, in hundredths of a percent */
    maxFeeBps: number;
    initialFeeBps: number;
    salt: number;
}

export interface PayoutState extends PayoutConfig {
    /** in force now */
    feeBps: number;
    /** a rise that waits: unix time in seconds */
    nextFee: { feeBps: number; effectiveAt: number } | null;
    /** everything owed: credits, refunds and accrued fees */
    liabilitiesNano: bigint;
    accruedFeesNano: bigint;
    nodeCount: number;
    ownerCount: number;
    storageReserveNano: bigint;
}

export interface AdmittedNode {
    /** account id of the provider's owner, 32 bytes */
    ownerId: Buffer;
    /** 1: Ed25519, 2: secp256k1 */
    suite: number;
    /** unix time in seconds */
    notAfter: number;
    /** unix time in seconds, null when not revoked */
    revokedAt: number | null;
    /** last second in which the hub settles its receipts */
    settlesUntil: number;
}

export interface CallOptions {
    valueNano?: bigint;
    queryId?: bigint;
}

/** For messages whose rest comes back. */
const callValueNano = 50_000_000n;

/** One dispatcher's settlement hub. Errors of refused messages: `payoutErrors`. */
export class Payout implements Contract {
    private constructor(private readonly binding: PayoutBinding) {}

    static async createFromConfig(config: PayoutConfig): Promise<Payout> {
        const { registry, operator } = config;
        const numbers = [config.closeDelaySec, config.maxFeeBps, config.initialFeeBps, config.salt].map(BigInt);
        const [closeDelaySec, maxFeeBps, initialFeeBps, salt] = numbers as [bigint, bigint, bigint, bigint];
        return new Payout(
            await PayoutBinding.fromInit(registry, operator, closeDelaySec, maxFeeBps, initialFeeBps, salt),
        );
    }

    static createFromAddress(address: Address): Payout {
        return new Payout(PayoutBinding.fromAddress(address));
    }

    get address(): Address {
        return this.binding.address;
    }

    get init(): { code: Cell; data: Cell } | undefined {
        return this.binding.init;
    }

    /** From anyone: adds to the storage reserve, which stays; also the way to deploy. A hub needs about 0.3 TON of it. */
    async sendTopUp(provider: ContractProvider, via: Sender, options: { valueNano: bigint; queryId?: bigint }) {
        await this.send(provider, via, options.valueNano, { $$type: 'TopUp', queryId: options.queryId ?? 0n });
    }

    /**
     * From anyone, one to ten lines of one escrow and epoch. Bad lines are skipped; the value defaults to `getSettleFee`
     * and its rest comes back as Excesses, or all of it as ChargeRefused.
     */
    async sendSettle(
        provider: ContractProvider,
        via: Sender,
        options: CallOptions & { escrow: Address; epoch: number; lines: readonly SettlementLine[] },
    ) {
        const value = options.valueNano ?? (await this.getSettleFee(provider, options.lines.length));
        await this.send(provider, via, value, {
            $$type: 'Settle',
            queryId: options.queryId ?? 0n,
            escrow: options.escrow,
            epoch: BigInt(options.epoch),
            lines: buildSettlementLines(options.lines),
        });
    }

    /** From a provider's owner: pays all its credits. From a settler: what came back from an escrow that does not exist. */
    async sendClaim(provider: ContractProvider, via: Sender, options: CallOptions = {}) {
        const message = { $$type: 'Claim', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the operator: the accrued fees. */
    async sendWithdrawFees(provider: ContractProvider, via: Sender, options: CallOptions = {}) {
        const message = { $$type: 'WithdrawFees', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the operator: a fall takes effect at once, a rise after the close delay. */
    async sendSetFee(provider: ContractProvider, via: Sender, options: CallOptions & { feeBps: number }) {
        const message = { $$type: 'SetFee', queryId: options.queryId ?? 0n, feeBps: BigInt(options.feeBps) } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the operator: lists the hub in the registry; the value becomes its bond. */
    async sendAnnounce(
        provider: ContractProvider,
        via: Sender,
        options: { valueNano: bigint; endpoint: Cell; queryId?: bigint },
    ) {
        const message = { $$type: 'AnnounceHub', queryId: options.queryId ?? 0n, endpoint: options.endpoint } as const;
        await this.send(provider, via, options.valueNano, message);
    }

    /** From the operator: takes the hub off the registry's list; the bond comes back. */
    async sendWithdrawListing(provider: ContractProvider, via: Sender, options: CallOptions = {}) {
        const message = { $$type: 'WithdrawListing', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From anyone, once `settlesUntil` of the node has passed. Its owner and the owner's credit stay. */
    async sendPruneNode(provider: ContractProvider, via: Sender, options: CallOptions & { nodeKey: Buffer }) {
        const nodeKey = BigInt('0x' + bytes32('nodeKey', options.nodeKey).toString('hex'));
        const message = { $$type: 'PruneNode', queryId: options.queryId ?? 0n, nodeKey } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    async getState(provider: ContractProvider): Promise<PayoutState> {
        const raw = await this.binding.getState(provider);
        return {
            registry: raw.registry,
            operator: raw.operator,
            closeDelaySec: Number(raw.closeDelaySec),
            maxFeeBps: Number(raw.maxFeeBps),
            initialFeeBps: Number(raw.initialFeeBps),
            salt: Number(raw.salt),
            feeBps: Number(raw.feeBps),
            nextFee:
                raw.nextFeeAt === 0n ? null : { feeBps: Number(raw.nextFeeBps), effectiveAt: Number(raw.nextFeeAt) },
            liabilitiesNano: raw.liabilities,
            accruedFeesNano: raw.accruedFees,
            nodeCount: Number(raw.nodeCount),
            ownerCount: Number(raw.ownerCount),
            storageReserveNano: raw.storageReserve,
        };
    }

    /** Null for a node that was never admitted, or was pruned. */
    async getNode(provider: ContractProvider, nodeKey: Buffer): Promise<AdmittedNode | null> {
        const key = BigInt('0x' + bytes32('nodeKey', nodeKey).toString('hex'));
        const raw = await this.binding.getNode(withTupleItems(provider), key);
        if (raw === null) return null;
        return {
            ownerId: Buffer.from(raw.ownerId.toString(16).padStart(64, '0'), 'hex'),
            suite: Number(raw.suite),
            notAfter: Number(raw.notAfter),
            revokedAt: raw.revokedAt === 0n ? null : Number(raw.revokedAt),
            settlesUntil: Number(raw.settlesUntil),
        };
    }

    /** All nodes at once; `admittedNodes` reads them. */
    async getStoredNodes(provider: ContractProvider): Promise<StoredHubNodes> {
        const { state } = await provider.getState();
        if (state.type !== 'active' || state.data == null) return { nodes: null, closeDelaySec: 0 };
        return storedHubNodes(Cell.fromBoc(state.data)[0]!);
    }

    /** NanoTON that a Claim by this wallet would pay. */
    async getCredit(provider: ContractProvider, owner: Address): Promise<bigint> {
        return this.binding.getCredit(provider, owner);
    }

    async getEscrowAddress(provider: ContractProvider, options: { client: Address; index: number }): Promise<Address> {
        return this.binding.getEscrowAddress(provider, options.client, BigInt(options.index));
    }

    /** NanoTON that Settle must carry at today's prices; most of it comes back. */
    async getSettleFee(provider: ContractProvider, lineCount: number): Promise<bigint> {
        return this.binding.getSettleFee(provider, BigInt(lineCount));
    }

    /** What a settlement costs its settler at most while prices stay what they are, of what it must carry. */
    async getSettleCost(provider: ContractProvider, lineCount: number): Promise<bigint> {
        return this.binding.getSettleCost(provider, BigInt(lineCount));
    }

    /** NanoTON that AdmitNode must carry; a new node's part for two years of storage stays. */
    async getAdmitFee(provider: ContractProvider): Promise<bigint> {
        return this.binding.getAdmitFee(provider);
    }

    /** NanoTON that PruneNode must carry. */
    async getPruneFee(provider: ContractProvider): Promise<bigint> {
        return this.binding.getPruneFee(provider);
    }

    /** NanoTON that Claim and WithdrawFees must carry. */
    async getPayFee(provider: ContractProvider): Promise<bigint> {
        return this.binding.getPayFee(provider);
    }

    private async send(provider: ContractProvider, via: Sender, value: bigint, message: PayoutMessage) {
        await this.binding.send(provider, via, { value }, message);
    }
}

type PayoutMessage = Parameters<PayoutBinding['send']>[3];

/** Exit code of a refused message -> its text. */
export const payoutErrors: ReadonlyMap<number, string> = exitTexts(PayoutBinding.errors, ['Payout', 'Cocoon']);
