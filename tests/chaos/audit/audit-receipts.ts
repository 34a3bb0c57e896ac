import type { AcknowledgedAnswer } from '../load/client-load';
import type { DispatcherBooks } from './collect-receipts';
import type { Findings } from './findings';
import type { GatewayAnswer } from './gateway-answers';
import { badSignature, type KeptReceipt, streamOf, type StreamKey } from './statements';

export interface ReceiptEvidence {
    network: Buffer;
    acknowledged: readonly AcknowledgedAnswer[];
    /** By gateway's name, then request id. */
    gateways: ReadonlyMap<string, ReadonlyMap<string, GatewayAnswer>>;
    dispatcher: DispatcherBooks;
    nodeLogs: readonly KeptReceipt[];
}

/** What a node's account with an escrow has come to by all that its key and the client's keys have signed. */
export interface StreamAccount {
    cumulativeNano: bigint;
    sequence: number;
    /** The highest cap by session key in hex. */
    capsNano: Map<string, bigint>;
    sessionKey: string;
    /** Sums up to which final receipts run, one each. */
    finalsNano: bigint[];
}

/** Signatures, histories and what clients were told; gives what every stream has come to. */
export function auditReceipts(evidence: ReceiptEvidence, findings: Findings): Map<StreamKey, StreamAccount> {
    const { network, dispatcher, nodeLogs } = evidence;
    const all = [...nodeLogs, ...dispatcher.finals, ...dispatcher.outstanding.values()];
    for (const kept of all) findings.check('signatures', withKeeper(kept, badSignature(kept, network)));
    findings.equal('one history', 'contradictions that the dispatcher kept', {
        is: BigInt(dispatcher.contradictions),
        shouldBe: 0n,
    });
    auditAcknowledged(evidence, findings);
    auditBilledOnce(nodeLogs, findings);
    return accountsOf(all, findings);
}

/** What a client was given in full is with its gateway, in the dispatcher's ledger and in the node's log. */
function auditAcknowledged(
    { acknowledged, gateways, dispatcher, nodeLogs }: ReceiptEvidence,
    findings: Findings,
): void {
    const stored = signaturesOf(dispatcher.finals);
    const logged = signaturesOf(nodeLogs);
    for (const { id, gateway } of acknowledged) {
        const answer = gateways.get(gateway)?.get(id);
        const signature = answer?.receipt?.signature;
        const problem = () => {
            if (answer === undefined) return 'its gateway does not know the request';
            if (signature === undefined) return `its gateway has it as ${answer.state}, without a receipt`;
            if (!stored.has(signature)) return 'the dispatcher does not have the receipt';
            if (!logged.has(signature)) return 'the node does not have the receipt';
            return undefined;
        };
        const found = problem();
        findings.check('acknowledged and kept', found && `${id} at ${gateway}: ${found}`);
    }
    // Also what nobody was told in full: a receipt that one party counts on must be with the one that settles it.
    for (const [name, answers] of gateways)
        for (const { requestId, receipt } of answers.values())
            if (receipt !== null)
                findings.check(
                    'counted and kept',
                    stored.has(receipt.signature) ? undefined : `${requestId} at ${name} is not with the dispatcher`,
                );
    for (const { signature, receipt } of dispatcher.finals)
        findings.check(
            'counted and kept',
            logged.has(signature.toString('hex'))
                ? undefined
                : `receipt ${receipt.sequence} of ${receipt.nodeKey.toString('hex')} is with the dispatcher, not with the node`,
        );
}

/** A request has one final receipt. */
function auditBilledOnce(nodeLogs: readonly KeptReceipt[], findings: Findings): void {
    const finals = new Map<string, string>();
    for (const { cap, final, signature, receipt } of nodeLogs) {
        if (!final || cap === null) continue;
        const request = `${receipt.nodeKey.toString('hex')}/${receipt.reference.toString('hex')}`;
        const known = finals.get(request);
        const again = known !== undefined && known !== signature.toString('hex');
        findings.check('billed once', again ? `two final receipts for ${request}` : undefined);
        finals.set(request, signature.toString('hex'));
    }
}

function accountsOf(all: readonly KeptReceipt[], findings: Findings): Map<StreamKey, StreamAccount> {
    const bySequence = new Map<string, KeptReceipt>();
    const streams = new Map<StreamKey, StreamAccount>();
    for (const kept of all) {
        const stream = streamOf(kept);
        const place = `${stream}/${kept.receipt.sequence}`;
        const known = bySequence.get(place);
        findings.check(
            'one history',
            known && !known.signature.equals(kept.signature) ? `two receipts at ${place}` : undefined,
        );
        if (known !== undefined) addCap(streams.get(stream)!, kept);
        else count(streams, stream, kept);
        bySequence.set(place, known?.final === true ? known : kept);
    }
    auditRise([...bySequence.entries()], findings);
    return streams;
}

function count(streams: Map<StreamKey, StreamAccount>, stream: StreamKey, kept: KeptReceipt): void {
    const { receipt, final } = kept;
    const account = streams.get(stream) ?? {
        cumulativeNano: -1n,
        sequence: -1,
        capsNano: new Map<string, bigint>(),
        sessionKey: '',
        finalsNano: [],
    };
    streams.set(stream, account);
    if (receipt.sequence > account.sequence) {
        account.sequence = receipt.sequence;
        account.cumulativeNano = receipt.cumulativeNano;
        account.sessionKey = receipt.sessionKey.toString('hex');
    }
    if (final) account.finalsNano.push(receipt.cumulativeNano);
    addCap(account, kept);
}

function addCap(account: StreamAccount, { cap }: KeptReceipt): void {
    if (cap === null) return;
    const key = cap.sessionKey.toString('hex');
    const known = account.capsNano.get(key) ?? 0n;
    if (cap.capCumulativeNano > known) account.capsNano.set(key, cap.capCumulativeNano);
}

/** Along a stream's receipts the sum never falls. */
function auditRise(receipts: [string, KeptReceipt][], findings: Findings): void {
    const inOrder = receipts
        .map(([, kept]) => kept)
        .sort((a, b) => compare(streamOf(a), streamOf(b)) || a.receipt.sequence - b.receipt.sequence);
    inOrder.forEach((kept, place) => {
        const before = inOrder[place - 1];
        if (before === undefined || streamOf(before) !== streamOf(kept)) return;
        const falls = kept.receipt.cumulativeNano < before.receipt.cumulativeNano;
        findings.check(
            'one history',
            falls ? `the sum falls at ${streamOf(kept)}/${kept.receipt.sequence}` : undefined,
        );
    });
}

function compare(a: string, b: string): number {
    return a < b ? -1 : a > b ? 1 : 0;
}

function signaturesOf(receipts: readonly KeptReceipt[]): Set<string> {
    return new Set(receipts.filter(({ final }) => final).map(({ signature }) => signature.toString('hex')));
}

function withKeeper({ keeper, receipt }: KeptReceipt, problem: string | undefined): string | undefined {
    return problem && `${keeper}, receipt ${receipt.sequence} of ${receipt.nodeKey.toString('hex')}: ${problem}`;
}
