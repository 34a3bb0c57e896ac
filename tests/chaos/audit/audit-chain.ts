import { Address } from '@ton/core';
import type { LocalNetwork } from '../../../keepers/devnet';
import { isConserved } from '../../../keepers/devnet/demo/conservation';
import { Escrow, Payout } from '../../../wrappers';
import { balanceAfter, historyOf } from './account-history';
import type { StreamAccount } from './audit-receipts';
import type { Findings } from './findings';
import { type EscrowBooks, type HubBooks, type PaidLine, replayEscrow, replayHub } from './settlements';
import { badSignature, isCapSigned, type StreamKey } from './statements';

const bpsDenominator = 10_000n;

/** What the audit reads of a network: its chain, and the chain's books. */
export interface AuditedNetwork extends Pick<LocalNetwork, 'client' | 'hub' | 'totalsAtStart'> {
    deployment: Pick<LocalNetwork['deployment'], 'registry'>;
    devnet: Pick<LocalNetwork['devnet'], 'totals'>;
}

export interface ChainEvidence {
    local: AuditedNetwork;
    escrows: readonly Address[];
    streams: ReadonlyMap<StreamKey, StreamAccount>;
}

/** Replays every account from its transactions and holds it against the chain's state and against the receipts. */
export async function auditChain(evidence: ChainEvidence, findings: Findings): Promise<Map<StreamKey, bigint>> {
    const { local, escrows } = evidence;
    const paid = new Map<StreamKey, bigint>();
    const lines: PaidLine[] = [];
    const hub = replayHub(await historyOf(local.client, local.hub));
    for (const address of escrows) {
        const books = replayEscrow(await historyOf(local.client, address));
        lines.push(...books.paid);
        await auditEscrow({ local, address, books, hub, paid }, findings);
    }
    for (const [stream, amountNano] of paid) auditStream(stream, amountNano, evidence.streams.get(stream), findings);
    await auditCredits({ local, hub, lines }, findings);
    await auditAccounts(local, findings);
    return paid;
}

interface EscrowCase {
    local: AuditedNetwork;
    address: Address;
    books: EscrowBooks;
    hub: HubBooks;
    /** Filled with what each stream was paid. */
    paid: Map<StreamKey, bigint>;
}

async function auditEscrow({ local, address, books, hub, paid }: EscrowCase, findings: Findings): Promise<void> {
    const escrow = address.hash.toString('hex');
    for (const line of books.paid) payLine(line, { network: local.deployment.registry.hash, address, paid }, findings);
    const paidNano = sum(books.paid.map(({ amountNano }) => amountNano));
    const state = await local.client.open(Escrow.createFromAddress(address)).getState();
    const shouldBe = books.depositsNano - books.withdrawnNano - paidNano;
    findings.equal('balances', `the balance of escrow ${escrow}`, { is: state.balanceNano, shouldBe });
    const settledNano = hub.settledNano.get(address.toRawString()) ?? 0n;
    findings.equal('balances', `what the hub had of escrow ${escrow}`, { is: settledNano, shouldBe: paidNano });
    findings.check('balances', state.inFlight === null ? undefined : `escrow ${escrow} has a charge in flight`);
    for (const [stream, amountNano] of paid) {
        const [of, epoch, nodeKey] = stream.split('/') as [string, string, string];
        if (of !== escrow || Number(epoch) !== state.epoch) continue;
        const is = state.paidNano.get(nodeKey) ?? 0n;
        findings.equal('balances', `what ${stream} was paid`, { is, shouldBe: amountNano });
    }
}

/** A line is signed, and pays exactly what it lifts the stream to: nothing is ever paid for twice. */
function payLine(
    { epoch, line, amountNano, transactionHash }: PaidLine,
    { network, address, paid }: { network: Buffer; address: Address; paid: Map<StreamKey, bigint> },
    findings: Findings,
): void {
    const { receipt, nodeSignature, cap, capSignature } = line;
    const escrow = address.hash;
    const stream: StreamKey = `${escrow.toString('hex')}/${epoch}/${receipt.nodeKey.toString('hex')}`;
    const beforeNano = paid.get(stream) ?? 0n;
    const allowedNano = min(receipt.cumulativeNano, cap.cumulativeNano);
    const tooMuch = beforeNano + amountNano > allowedNano;
    findings.check(
        'settled once',
        tooMuch
            ? `${stream}: ${beforeNano} and then ${amountNano} in ${transactionHash}, ${allowedNano} was due`
            : undefined,
    );
    const kept = { escrow, epoch, receipt, signature: nodeSignature, final: false, cap: null, keeper: transactionHash };
    findings.check('signatures', badSignature(kept, network));
    const signedCap = { ...cap, sessionKey: receipt.sessionKey, capCumulativeNano: cap.cumulativeNano, capSignature };
    const isSigned = isCapSigned({ network, escrow, epoch, nodeKey: receipt.nodeKey }, signedCap);
    findings.check('signatures', isSigned ? undefined : `a cap that nobody signed was paid in ${transactionHash}`);
    paid.set(stream, beforeNano + amountNano);
}

/** The chain pays what the receipts of all parties come to, not more. */
function auditStream(
    stream: StreamKey,
    paidNano: bigint,
    account: StreamAccount | undefined,
    findings: Findings,
): void {
    const dueNano = account === undefined ? 0n : dueOf(account);
    findings.check(
        'settled once',
        paidNano > dueNano ? `${stream} was paid ${paidNano}, ${dueNano} was due` : undefined,
    );
}

/** What the chain pays in all for what is signed. */
export function dueOf({ cumulativeNano, capsNano, sessionKey }: StreamAccount): bigint {
    return min(cumulativeNano, capsNano.get(sessionKey) ?? 0n);
}

/** Owners' credits and the operator's fee, from the lines that were paid. */
async function auditCredits(
    { local, hub, lines }: { local: AuditedNetwork; hub: HubBooks; lines: readonly PaidLine[] },
    findings: Findings,
): Promise<void> {
    const payout = local.client.open(Payout.createFromAddress(local.hub));
    const state = await payout.getState();
    const earnedNano = new Map<string, bigint>();
    let feesNano = 0n;
    for (const { line, amountNano } of lines) {
        const node = await payout.getNode(line.receipt.nodeKey);
        const owner = new Address(0, node!.ownerId).toRawString();
        const feeNano = (amountNano * BigInt(state.feeBps)) / bpsDenominator;
        feesNano += feeNano;
        earnedNano.set(owner, (earnedNano.get(owner) ?? 0n) + amountNano - feeNano);
    }
    let creditsNano = 0n;
    for (const [owner, amountNano] of earnedNano) {
        const shouldBe = amountNano - (hub.claimedNano.get(owner) ?? 0n);
        const is = await payout.getCredit(Address.parseRaw(owner));
        findings.equal('balances', `the credit of ${owner}`, { is, shouldBe });
        creditsNano += shouldBe;
    }
    const dueFeesNano = feesNano - hub.feesWithdrawnNano;
    findings.equal('balances', 'the fees that the hub told of', { is: hub.feesNano, shouldBe: feesNano });
    findings.equal('balances', 'the operator’s fees', { is: state.accruedFeesNano, shouldBe: dueFeesNano });
    const owed = { is: state.liabilitiesNano, shouldBe: creditsNano + dueFeesNano };
    findings.equal('balances', 'what the hub owes', owed);
}

/** Each account holds what its own transactions come to, and nothing was made or lost on the way. */
async function auditAccounts(local: AuditedNetwork, findings: Findings): Promise<void> {
    const totals = await local.devnet.totals();
    for (const [raw, balanceNano] of totals.balancesNano) {
        const startNano = local.totalsAtStart.balancesNano.get(raw) ?? 0n;
        const history = await historyOf(local.client, Address.parseRaw(raw));
        findings.equal('balances', `account ${raw}`, { is: balanceNano, shouldBe: balanceAfter(history, startNano) });
    }
    findings.check('conserved', isConserved(local.totalsAtStart, totals) ? undefined : 'TON appeared or vanished');
}

function min(a: bigint, b: bigint): bigint {
    return a < b ? a : b;
}

function sum(amounts: readonly bigint[]): bigint {
    return amounts.reduce((total, amountNano) => total + amountNano, 0n);
}
