import { accept, acceptIfPaid, Arrival, excess, Expected, refuse, Verdict } from './arrival';
import { ContractLetter, KeyLife, Letter, LineFacts } from './letter';

type Settle = Extract<Letter, { op: 'settle' }>;
type AdmitNode = Extract<ContractLetter, { op: 'admitNode' }>;

interface NodeModel extends KeyLife {
    owner: string;
}

/** A dispatcher's settlement hub, as docs and messages.tact promise it. */
export interface HubModel {
    address: string;
    registry: string;
    operator: string;
    closeDelaySec: number;
    maxFeeBps: number;
    feeBps: number;
    rise: { feeBps: number; at: number } | null;
    /** by node key */
    nodes: Map<string, NodeModel>;
    /** owed to providers' owners */
    credits: Map<string, bigint>;
    /** owed to settlers whose charge came back from an address without code */
    refunds: Map<string, bigint>;
    accruedFeesNano: bigint;
}

export const maxLines = 10;

export function liabilitiesNano(hub: HubModel): bigint {
    const owed = [...hub.credits.values(), ...hub.refunds.values()];
    return owed.reduce((sum, amount) => sum + amount, hub.accruedFeesNano);
}

export function feeBpsAt(hub: HubModel, nowSec: number): number {
    return hub.rise && nowSec >= hub.rise.at ? hub.rise.feeBps : hub.feeBps;
}

/** @param providerOf address of the provider contract of an owner */
export function judgeHub(hub: HubModel, letter: Letter, at: Arrival, providerOf: (owner: string) => string): Verdict {
    switch (letter.op) {
        case 'settle':
            return settle(hub, letter, at);
        case 'charged':
            return charged(hub, letter, at);
        case 'admitNode':
            return at.from === providerOf(letter.owner)
                ? admit(hub, letter, at)
                : refuse('not the provider of that owner');
        case 'claim':
            return claim(hub, at);
        case 'withdrawFees':
            return withdrawFees(hub, at);
        case 'setFee':
            return setFee(hub, letter, at);
        case 'pruneNode':
            return pruneNode(hub, letter.nodeKey, at);
        case 'announceHub':
            return toRegistry(hub, at, { name: 'ListHub', letter: { op: 'listHub' } });
        case 'withdrawListing':
            return toRegistry(hub, at, { name: 'UnlistHub', letter: { op: 'unlistHub' } });
        case 'excesses':
            return accept(() => [excess(hub.operator)]);
        case 'topUp':
            return acceptIfPaid(at, () => []);
        case 'bounced':
            return bounced(hub, letter.of, at);
        default:
            return refuse('not a message of a hub');
    }
}

function settle(hub: HubModel, letter: Settle, at: Arrival): Verdict {
    const { escrow, epoch, lines, queryId } = letter;
    if (lines.length > maxLines) return refuse('too many lines');
    const good = lines.map((line) => (isReceiptGood(hub, line, { escrow, epoch }, at.nowSec) ? line : null));
    if (good.every((line) => line === null)) return refuse('no line passes');
    if (at.valueNano < at.announced.settleFeeNano(lines.length)) return refuse('value below the settlement fee');
    const isPadded = lines.some((line) => line.isPadded);
    const owners = lines.map((line) => hub.nodes.get(line.nodeKey)?.owner ?? '');
    const charge: Letter = { op: 'charge', settler: at.from, queryId, epoch, lines: good, owners, isPadded };
    return accept(() => [{ to: escrow, name: 'Charge', letter: charge }], isPadded ? 'either' : true);
}

function isReceiptGood(hub: HubModel, line: LineFacts, scope: LineFacts['receiptScope'], nowSec: number): boolean {
    const node = hub.nodes.get(line.nodeKey);
    if (node === undefined || line.isMalformed) return false;
    const isSigned = line.receiptSigner === line.nodeKey;
    const isHere = line.receiptScope.escrow === scope.escrow && line.receiptScope.epoch === scope.epoch;
    return isSigned && isHere && nowSec <= settlesUntil(hub, node);
}

/** The earlier of expiry and revocation, plus the close delay. */
export function settlesUntil(hub: HubModel, { notAfter, revokedAt }: KeyLife): number {
    return (revokedAt === 0 ? notAfter : Math.min(notAfter, revokedAt)) + hub.closeDelaySec;
}

function charged(hub: HubModel, letter: Letter & { op: 'charged' }, at: Arrival): Verdict {
    return accept(() => {
        const feeBps = BigInt(feeBpsAt(hub, at.nowSec));
        letter.amounts.forEach((amount, i) => {
            if (amount === 0n) return;
            const fee = (amount * feeBps) / 10_000n;
            hub.accruedFeesNano += fee;
            add(hub.credits, letter.owners[i]!, amount - fee);
        });
        return [
            { to: at.from, name: 'AcknowledgeCharge', letter: { op: 'acknowledgeCharge', queryId: letter.queryId } },
        ];
    });
}

/** What is known of a node only grows: the later expiry, the earlier revocation. */
function admit(hub: HubModel, letter: AdmitNode, at: Arrival): Verdict {
    const known = hub.nodes.get(letter.nodeKey);
    if (at.valueNano < at.announced.admitFeeNano) return refuse('value below the admission fee');
    if (at.balanceBeforeNano < liabilitiesNano(hub) + at.announced.reserveNano)
        return refuse('storage reserve missing');
    if (known && known.owner !== letter.owner) return refuse('node of another provider');
    return accept(() => {
        const { owner, suite } = letter;
        const notAfter = Math.max(letter.notAfter, known?.notAfter ?? 0);
        hub.nodes.set(letter.nodeKey, {
            owner,
            suite,
            notAfter,
            revokedAt: earlier(letter.revokedAt, known?.revokedAt ?? 0),
        });
        return [{ to: letter.payer, name: 'Excesses' }];
    });
}

/** Of two times of which 0 means never. */
function earlier(a: number, b: number): number {
    return a === 0 || b === 0 ? a + b : Math.min(a, b);
}

function claim(hub: HubModel, at: Arrival): Verdict {
    if (at.valueNano < at.announced.payFeeNano) return refuse('value below fees');
    const amount = (hub.credits.get(at.from) ?? 0n) + (hub.refunds.get(at.from) ?? 0n);
    if (amount === 0n) return refuse('nothing to claim');
    if (at.balanceBeforeNano < liabilitiesNano(hub)) return refuse('storage debt');
    return accept(() => {
        hub.credits.delete(at.from);
        hub.refunds.delete(at.from);
        return [{ to: at.from, name: 'Claimed', atLeastNano: amount }];
    });
}

function withdrawFees(hub: HubModel, at: Arrival): Verdict {
    if (at.from !== hub.operator) return refuse('only the operator takes fees');
    if (at.valueNano < at.announced.payFeeNano) return refuse('value below fees');
    const amount = hub.accruedFeesNano;
    if (amount === 0n) return refuse('no fees');
    if (at.balanceBeforeNano < liabilitiesNano(hub) + at.announced.reserveNano)
        return refuse('storage reserve missing');
    return accept(() => {
        hub.accruedFeesNano = 0n;
        return [{ to: at.from, name: 'Excesses', atLeastNano: amount }];
    });
}

/** A fall at once, a rise after the close delay, under the hub's own maximum. */
function setFee(hub: HubModel, letter: Letter & { op: 'setFee' }, at: Arrival): Verdict {
    if (at.from !== hub.operator) return refuse('only the operator sets the fee');
    if (letter.feeBps > hub.maxFeeBps) return refuse("above the hub's maximum");
    return acceptIfPaid(at, () => {
        const current = feeBpsAt(hub, at.nowSec);
        const isRise = letter.feeBps > current;
        hub.feeBps = isRise ? current : letter.feeBps;
        hub.rise = isRise ? { feeBps: letter.feeBps, at: at.nowSec + hub.closeDelaySec } : null;
        return [{ to: at.from, name: 'Excesses', isOptional: true }];
    });
}

/** Only what can no longer be settled is forgotten. */
function pruneNode(hub: HubModel, nodeKey: string, at: Arrival): Verdict {
    const node = hub.nodes.get(nodeKey);
    if (!node) return refuse('unknown node');
    if (at.valueNano < at.announced.pruneFeeNano) return refuse('value below fees');
    if (at.nowSec <= settlesUntil(hub, node)) return refuse('its receipts are still accepted');
    return accept(() => {
        hub.nodes.delete(nodeKey);
        return [{ to: at.from, name: 'Excesses' }];
    });
}

function toRegistry(hub: HubModel, at: Arrival, message: Pick<Expected, 'name' | 'letter'>): Verdict {
    if (at.from !== hub.operator) return refuse('only the operator lists the hub');
    return acceptIfPaid(at, () => [{ to: hub.registry, ...message }]);
}

/** Nobody lives where the charge went: its value, less the way back, waits for its settler. */
function bounced(hub: HubModel, of: Letter, at: Arrival): Verdict {
    return accept(() => {
        const amount = at.valueNano - at.announced.refundFeeNano;
        if (of.op === 'charge' && amount > 0n) add(hub.refunds, of.settler, amount);
        return of.op === 'listHub' || of.op === 'unlistHub' ? [excess(hub.operator)] : [];
    });
}

function add(to: Map<string, bigint>, who: string, amount: bigint): void {
    to.set(who, (to.get(who) ?? 0n) + amount);
}
