import { Address, beginCell, Cell, CommonMessageInfoExternalOut, Message, Slice } from '@ton/core';
import {
    loadChargeReverted,
    loadEscrowOpened,
    loadEscrowToppedUp,
    loadSessionSet,
} from '../../../build/Escrow/Escrow_Escrow';
import {
    loadEscrowSettled,
    loadFeeScheduled,
    loadFeesWithdrawn,
    loadNodeAdmitted,
    loadNodePruned,
    loadProviderPaid,
    loadRefundHeld,
    Payout as PayoutBinding,
} from '../../../build/Payout/Payout_Payout';

const { opcodes } = PayoutBinding;

interface LedgerNode {
    owner: string;
    notAfter: number;
    revokedAt: number;
}

/** What is owed to whom, from events alone: of one hub and its escrows, given the hub's first fee. */
export class SettlementLedger {
    readonly escrows = new Map<string, bigint>();
    readonly sessions = new Map<string, bigint>();
    readonly nodes = new Map<bigint, LedgerNode>();
    feesNano = 0n;
    revertedNano = 0n;
    private readonly ownerNumbers = new Map<string, number>();
    private readonly credits = new Map<number, bigint>();
    private readonly refunds = new Map<bigint, bigint>();
    private fee: { feeBps: bigint; nextFeeBps: bigint; nextFeeAt: bigint };

    constructor(initialFeeBps: number) {
        this.fee = { feeBps: BigInt(initialFeeBps), nextFeeBps: 0n, nextFeeAt: 0n };
    }

    /** NanoTON that a Claim by this wallet would pay. */
    claimableNano(wallet: Address): bigint {
        const number = this.ownerNumbers.get(wallet.toString()) ?? 0;
        return (this.credits.get(number) ?? 0n) + (this.refunds.get(prefixOf(wallet)) ?? 0n);
    }

    get liabilitiesNano(): bigint {
        const owed = [...this.credits.values(), ...this.refunds.values()];
        return owed.reduce((sum, amount) => sum + amount, this.feesNano);
    }

    /** Events in the order in which they were emitted; of other kinds and contracts too. */
    read(events: readonly Message[]): void {
        for (const event of events) {
            const { src, createdAt } = event.info as CommonMessageInfoExternalOut;
            this.readEscrow(src.toString(), event.body.beginParse());
            this.readHub(event.body.beginParse(), createdAt);
        }
    }

    private readEscrow(escrow: string, body: Slice): void {
        switch (body.preloadUint(32)) {
            case opcodes.EscrowOpened:
                this.escrows.set(escrow, loadEscrowOpened(body).deposit);
                break;
            case opcodes.EscrowToppedUp:
                this.escrows.set(escrow, this.escrows.get(escrow)! + loadEscrowToppedUp(body).amount);
                break;
            case opcodes.EscrowWithdrawn:
                this.escrows.set(escrow, 0n);
                break;
            case opcodes.SessionSet:
                this.sessions.set(escrow, loadSessionSet(body).sessionKey);
                break;
            case opcodes.ChargeReverted:
                this.revertedNano += loadChargeReverted(body).amount;
        }
    }

    private readHub(body: Slice, time: number): void {
        switch (body.preloadUint(32)) {
            case opcodes.EscrowSettled:
                this.settle(body, time);
                break;
            case opcodes.ProviderPaid:
                this.pay(loadProviderPaid(body));
                break;
            case opcodes.FeeScheduled:
                this.fee = loadFeeScheduled(body);
                break;
            case opcodes.FeesWithdrawn:
                this.feesNano -= loadFeesWithdrawn(body).amount;
                break;
            case opcodes.RefundHeld:
                this.hold(loadRefundHeld(body));
                break;
            case opcodes.NodeAdmitted:
                this.admit(loadNodeAdmitted(body));
                break;
            case opcodes.NodePruned:
                this.nodes.delete(loadNodePruned(body).nodeKey);
        }
    }

    private settle(body: Slice, time: number): void {
        const settled = loadEscrowSettled(body);
        const escrow = settled.escrow.toString();
        this.escrows.set(escrow, this.escrows.get(escrow)! - settled.total);
        const { feeBps, nextFeeBps, nextFeeAt } = this.fee;
        const bps = nextFeeAt !== 0n && BigInt(time) >= nextFeeAt ? nextFeeBps : feeBps;
        let fees = 0n;
        for (const [number, amount] of paidLines(settled.owners, settled.amounts)) {
            const fee = (amount * bps) / 10_000n;
            fees += fee;
            this.credits.set(number, (this.credits.get(number) ?? 0n) + amount - fee);
        }
        if (fees !== settled.fee) throw new Error(`the event says a fee of ${settled.fee}, its lines come to ${fees}`);
        this.feesNano += fees;
    }

    private pay({ owner, amount }: { owner: Address; amount: bigint }): void {
        const owed = this.claimableNano(owner);
        if (owed !== amount) throw new Error(`${owner} was paid ${amount} of ${owed}`);
        this.credits.delete(this.ownerNumbers.get(owner.toString()) ?? 0);
        this.refunds.delete(prefixOf(owner));
    }

    private hold({ settlerPrefix, amount }: { settlerPrefix: bigint; amount: bigint }): void {
        this.refunds.set(settlerPrefix, (this.refunds.get(settlerPrefix) ?? 0n) + amount);
    }

    private admit(admitted: ReturnType<typeof loadNodeAdmitted>): void {
        const owner = admitted.owner.toString();
        this.ownerNumbers.set(owner, Number(admitted.ownerNumber));
        const [notAfter, revokedAt] = [Number(admitted.notAfter), Number(admitted.revokedAt)];
        this.nodes.set(admitted.nodeKey, { owner, notAfter, revokedAt });
    }
}

function* paidLines(owners: Cell, amounts: Cell): Generator<[number, bigint]> {
    const number = owners.beginParse();
    for (const amount = amounts.beginParse(); amount.remainingBits > 0;)
        yield [number.loadUint(32), amount.loadUintBig(64)];
}

function prefixOf(wallet: Address): bigint {
    return beginCell().storeAddress(wallet).endCell().beginParse().loadUintBig(224);
}
