import type { Answered } from './questions';
import type { ShownEvidence } from './shown-evidence';
import type { Refusal } from './tamper';

/** What `cocoon demo` found out. Amounts are nanoTON. */
export interface DemoReport {
    /** every check below held */
    ok: boolean;
    answers: (Answered & { costNano: bigint })[];
    client: { address: string; escrow: string; depositNano: bigint; chargedNano: bigint; withdrawnNano: bigint };
    providers: { name: string; address: string; nodeKey: string; claimedNano: bigint }[];
    dispatcher: { hub: string; feeNano: bigint };
    network: { registry: string; gasNano: bigint; settlementGasNano: bigint; settledReceipts: number };
    /** sums of receipts and of what the chain paid are the same, to the nanoTON */
    receiptsMatch: boolean;
    sharesMatch: boolean;
    conserved: boolean;
    plaintextSeenByDispatcher: number;
    scannedBytes: number;
    /** what the gateway relied on for each node */
    evidence: ShownEvidence[];
    tamper: { chain: Refusal; gateway: Refusal };
    seconds: number;
}

/** Decimal strings for every amount, so that no JSON parser rounds money. */
export function toJson(report: DemoReport): string {
    return JSON.stringify(report, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2);
}
