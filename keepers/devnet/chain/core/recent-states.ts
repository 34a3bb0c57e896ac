/** An account's state until a block changed it. */
interface PastState {
    /** The first block that no longer had it. */
    untilSeqno: number;
    boc: string;
}

/** Blocks whose accounts can still be read, as liteservers without an archive keep the newest ones. */
const keptBlocks = 1_024;

/** What accounts were before they changed, for reads at a block of the recent past. Empty after a restart. */
export class RecentStates {
    private readonly byAccount = new Map<string, PastState[]>();
    private readonly order: { seqno: number; account: string }[] = [];
    /** Blocks below it may have been forgotten. */
    private firstKept = 0;

    /** Remembers what the account was before block `seqno`. */
    replaced(account: string, seqno: number, boc: string): void {
        const past = this.byAccount.get(account) ?? [];
        if (past.length === 0) this.byAccount.set(account, past);
        past.push({ untilSeqno: seqno, boc });
        this.order.push({ seqno, account });
        while (this.order.length > 0 && this.order[0]!.seqno < seqno - keptBlocks) this.forgetOldest();
    }

    /** Before this block nothing is known: the chain was started again. */
    beginAt(seqno: number): void {
        this.firstKept = Math.max(this.firstKept, seqno);
    }

    has(seqno: number): boolean {
        return seqno >= this.firstKept;
    }

    /** The state after block `seqno`, undefined where the account has not changed since. */
    at(account: string, seqno: number): string | undefined {
        return this.byAccount.get(account)?.find(({ untilSeqno }) => untilSeqno > seqno)?.boc;
    }

    private forgetOldest(): void {
        const { seqno, account } = this.order.shift()!;
        const past = this.byAccount.get(account)!;
        past.shift();
        if (past.length === 0) this.byAccount.delete(account);
        this.firstKept = Math.max(this.firstKept, seqno);
    }
}
