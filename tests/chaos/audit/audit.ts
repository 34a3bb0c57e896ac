import type { ChaosNetwork } from '../chaos-network';
import type { AcknowledgedAnswer } from '../load/client-load';
import { Archive } from './archive';
import { auditChain, dueOf } from './audit-chain';
import { auditReceipts, type StreamAccount } from './audit-receipts';
import { Findings } from './findings';
import type { StreamKey } from './statements';

export interface AuditReport {
    findings: Findings;
    /** Final receipts that the chain has paid, and that it has not. */
    settled: number;
    outstanding: number;
    outstandingNano: bigint;
    /** Answers that a client had and whose receipt someone lost. */
    lost: number;
    /** Payments and bills that came twice. */
    duplicated: number;
}

/** Everything that anyone signed, held against everything that the chain did. @param archive what keepers had before */
export async function audit(
    network: ChaosNetwork,
    acknowledged: readonly AcknowledgedAnswer[],
    archive = new Archive(),
): Promise<AuditReport> {
    const findings = new Findings();
    await archive.collect(network);
    const { gateways, dispatcher, nodeLogs } = archive;
    const evidence = { network: network.local.deployment.registry.hash, acknowledged, gateways, dispatcher, nodeLogs };
    archive.auditTotals(findings);
    const streams = auditReceipts(evidence, findings);
    const paid = await auditChain({ local: network.local, escrows: network.escrows, streams }, findings);
    auditOutstanding({ streams, paid, kept: new Set(dispatcher.outstanding.keys()) }, findings);
    const finals = [...streams].flatMap(([stream, { finalsNano }]) =>
        finalsNano.map((nano) => nano <= (paid.get(stream) ?? 0n)),
    );
    const settled = finals.filter((isPaid) => isPaid).length;
    return {
        findings,
        settled,
        outstanding: finals.length - settled,
        outstandingNano: outstandingOf(streams, paid),
        lost: findings.countOf('acknowledged and kept') + findings.countOf('counted and kept'),
        duplicated: findings.countOf('settled once') + findings.countOf('billed once'),
    };
}

/** What the chain has not paid must still stand in the ledger that it is settled from. */
function auditOutstanding(
    { streams, paid, kept }: { streams: Streams; paid: Map<StreamKey, bigint>; kept: ReadonlySet<StreamKey> },
    findings: Findings,
): void {
    for (const [stream, account] of streams) {
        const leftNano = dueOf(account) - (paid.get(stream) ?? 0n);
        const isForgotten = leftNano > 0n && !kept.has(stream);
        findings.check('settled or outstanding', isForgotten ? `${leftNano} of ${stream} is in no ledger` : undefined);
    }
}

type Streams = ReadonlyMap<StreamKey, StreamAccount>;

export function outstandingOf(streams: Streams, paid: ReadonlyMap<StreamKey, bigint>): bigint {
    let sumNano = 0n;
    for (const [stream, account] of streams) {
        const leftNano = dueOf(account) - (paid.get(stream) ?? 0n);
        if (leftNano > 0n) sumNano += leftNano;
    }
    return sumNano;
}
