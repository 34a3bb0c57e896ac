import { accept, acceptIfPaid, Arrival, excess, Expected, refuse, Verdict } from './arrival';
import { ContractLetter, Letter, LineFacts } from './letter';

type Charge = Extract<ContractLetter, { op: 'charge' }>;

interface RetiredKey {
    key: string;
    validUntil: number;
}

/** One client's money at one hub, as docs and messages.tact promise it. */
export interface EscrowModel {
    address: string;
    client: string;
    hub: string;
    closeDelaySec: number;
    phase: 'closed' | 'open' | 'closing';
    epoch: number;
    /** uncharged, as booked; what is reachable is less when storage fees ate into the account */
    balanceNano: bigint;
    sessionKey: string;
    sessionExpiresAt: number;
    retired: RetiredKey[];
    closesAt: number;
    paid: Map<string, bigint>;
    inFlight: { queryId: bigint; amountNano: bigint; settler: string; paidBefore: Map<string, bigint> } | null;
}

export function newEscrow(place: Pick<EscrowModel, 'address' | 'client' | 'hub' | 'closeDelaySec'>): EscrowModel {
    return {
        ...place,
        phase: 'closed',
        epoch: 0,
        balanceNano: 0n,
        sessionKey: '0'.repeat(64),
        sessionExpiresAt: 0,
        retired: [],
        closesAt: 0,
        paid: new Map(),
        inFlight: null,
    };
}

export function judgeEscrow(escrow: EscrowModel, letter: Letter, at: Arrival): Verdict {
    switch (letter.op) {
        case 'openEscrow':
            return open(escrow, letter, at);
        case 'topUp':
            return topUp(escrow, at);
        case 'setSession':
            return setSession(escrow, letter, at);
        case 'closeEscrow':
            return close(escrow, at);
        case 'withdraw':
            return withdraw(escrow, at);
        case 'charge':
            return charge(escrow, letter, at);
        case 'acknowledgeCharge':
            return acknowledge(escrow, letter.queryId);
        case 'bounced':
            return bounced(escrow, letter.of);
        default:
            return refuse('not a message of an escrow');
    }
}

/** What charges and a withdrawal can reach: storage fees of idle years come out of the client's money last. */
export function reachableNano(escrow: EscrowModel, balanceNano: bigint, reserveNano: bigint): bigint {
    const left = balanceNano - reserveNano;
    const least = left < escrow.balanceNano ? left : escrow.balanceNano;
    return least < 0n ? 0n : least;
}

function open(escrow: EscrowModel, letter: Letter & { op: 'openEscrow' }, at: Arrival): Verdict {
    if (at.from !== escrow.client) return refuse('only the client opens');
    if (escrow.phase !== 'closed') return refuse('already open');
    if (letter.sessionExpiresAt <= at.nowSec) return refuse('session key expired');
    const missing = at.announced.reserveNano - at.balanceBeforeNano;
    const deposit = at.valueNano - at.announced.openFeeNano - (missing > 0n ? missing : 0n);
    if (deposit <= 0n) return refuse('value below fees and reserve');
    return accept(() => {
        escrow.phase = 'open';
        escrow.epoch = Math.max(escrow.epoch + 1, at.nowSec);
        escrow.balanceNano = deposit;
        escrow.sessionKey = letter.sessionKey;
        escrow.sessionExpiresAt = letter.sessionExpiresAt;
        escrow.retired = [];
        return [];
    });
}

function topUp(escrow: EscrowModel, at: Arrival): Verdict {
    if (escrow.phase === 'closed') return refuse('closed');
    const amount = at.valueNano - at.announced.topUpFeeNano;
    if (amount <= 0n) return refuse('value below fees');
    return accept(() => {
        escrow.balanceNano += amount;
        return [];
    });
}

/** A replaced key, or one whose end was brought forward, stays good for charges for the close delay. At most two such. */
function setSession(escrow: EscrowModel, letter: Letter & { op: 'setSession' }, at: Arrival): Verdict {
    if (at.from !== escrow.client) return refuse('only the client sets the session');
    if (escrow.phase !== 'open') return refuse('not open');
    if (letter.sessionExpiresAt <= at.nowSec) return refuse('session key expired');
    const isOnlyExtended =
        letter.sessionKey === escrow.sessionKey && letter.sessionExpiresAt >= escrow.sessionExpiresAt;
    const stillGood = escrow.retired.filter(({ validUntil }) => validUntil >= at.nowSec);
    if (!isOnlyExtended && stillGood.length >= 2) return refuse('two replaced keys are still good');
    return acceptIfPaid(at, () => {
        if (!isOnlyExtended) {
            const validUntil = Math.min(at.nowSec, escrow.sessionExpiresAt) + escrow.closeDelaySec;
            escrow.retired = [...stillGood, { key: escrow.sessionKey, validUntil }];
        }
        escrow.sessionKey = letter.sessionKey;
        escrow.sessionExpiresAt = letter.sessionExpiresAt;
        return [excess(escrow.client)];
    });
}

function close(escrow: EscrowModel, at: Arrival): Verdict {
    if (at.from !== escrow.client) return refuse('only the client closes');
    if (escrow.phase === 'closed') return refuse('closed');
    return acceptIfPaid(at, () => {
        if (escrow.phase === 'open') {
            escrow.phase = 'closing';
            escrow.closesAt = at.nowSec + escrow.closeDelaySec;
        }
        return [excess(escrow.client)];
    });
}

function withdraw(escrow: EscrowModel, at: Arrival): Verdict {
    if (at.from !== escrow.client) return refuse('only the client withdraws');
    if (escrow.phase !== 'closing') return refuse('not closing');
    if (at.nowSec <= escrow.closesAt) return refuse('close delay not over');
    const isPatient = at.nowSec > escrow.closesAt + escrow.closeDelaySec;
    if (escrow.inFlight && !isPatient) return refuse('a charge is in flight');
    const whole = reachableNano(escrow, at.balanceBeforeNano, at.announced.reserveNano);
    return acceptIfPaid(at, () => {
        escrow.phase = 'closed';
        escrow.closesAt = 0;
        escrow.balanceNano = 0n;
        escrow.paid = new Map();
        escrow.inFlight = null;
        return [{ to: escrow.client, name: 'Withdrawn', atLeastNano: whole }];
    });
}

function charge(escrow: EscrowModel, letter: Charge, at: Arrival): Verdict {
    if (at.from !== escrow.hub) return refuse('only the hub charges');
    const reachable = reachableNano(escrow, at.balanceBeforeNano, at.announced.reserveNano);
    const taken = take(escrow, letter, at.nowSec, reachable);
    const reason = refusalOf(escrow, letter, at.nowSec, reachable) ?? (taken.totalNano === 0n ? 5 : null);
    if (reason !== null) {
        return accept(() => [{ to: letter.settler, name: 'ChargeRefused', reason, isOptional: true }]);
    }
    // What the hub asks for covers the way, unless prices rise on it or the lines drag more along than it counts.
    const unpaid = (): Expected[] => [{ to: letter.settler, name: 'ChargeRefused', reason: 7, isOptional: true }];
    const isPaid = !letter.isPadded && !at.isRepriced;
    const charge = accept(
        () => {
            const { queryId, settler, owners } = letter;
            escrow.inFlight = { queryId, amountNano: taken.totalNano, settler, paidBefore: escrow.paid };
            escrow.paid = taken.paid;
            escrow.balanceNano -= taken.totalNano;
            const charged: Letter = { op: 'charged', queryId, settler, amounts: taken.amounts, owners };
            return [{ to: escrow.hub, name: 'Charged', letter: charged, atLeastNano: taken.totalNano }];
        },
        isPaid ? true : 'either',
    );
    return isPaid ? charge : { ...charge, orElse: unpaid };
}

/** Reasons of ChargeRefused, in the order of messages.tact; 5 (nothing due) is the caller's. */
function refusalOf(escrow: EscrowModel, letter: Charge, nowSec: number, reachable: bigint): number | null {
    if (escrow.phase === 'closed') return 1;
    if (letter.epoch !== escrow.epoch) return 2;
    if (escrow.phase === 'closing' && nowSec > escrow.closesAt) return 3;
    if (escrow.inFlight) return 4;
    return reachable === 0n ? 6 : null;
}

/** From each line min(cap, receipt) less what that node already got, in order, while the balance lasts. */
function take(escrow: EscrowModel, letter: Charge, nowSec: number, reachable: bigint) {
    const paid = new Map(escrow.paid);
    let left = reachable;
    const amounts = letter.lines.map((line) => {
        if (line === null || !isCapGood(escrow, line, letter.epoch, nowSec)) return 0n;
        const before = paid.get(line.nodeKey) ?? 0n;
        const earned = line.capNano < line.cumulativeNano ? line.capNano : line.cumulativeNano;
        const due = earned - before;
        const amount = due < left ? due : left;
        if (amount <= 0n) return 0n;
        left -= amount;
        paid.set(line.nodeKey, before + amount);
        return amount;
    });
    return { paid, amounts, totalNano: reachable - left };
}

function isCapGood(escrow: EscrowModel, line: LineFacts, epoch: number, nowSec: number): boolean {
    const isSigned = line.capSigner === line.sessionKey;
    const isHere = line.capScope.escrow === escrow.address && line.capScope.epoch === epoch;
    return isSigned && isHere && isSessionGood(escrow, line.sessionKey, nowSec);
}

function isSessionGood(escrow: EscrowModel, key: string, nowSec: number): boolean {
    if (key === escrow.sessionKey && nowSec <= escrow.sessionExpiresAt + escrow.closeDelaySec) return true;
    return escrow.retired.some((old) => old.key === key && nowSec <= old.validUntil);
}

function acknowledge(escrow: EscrowModel, queryId: bigint): Verdict {
    const { inFlight } = escrow;
    if (inFlight?.queryId !== queryId) return accept(() => [excess(escrow.client)]);
    return accept(() => {
        escrow.inFlight = null;
        return [excess(inFlight.settler)];
    });
}

/** The hub did not take Charged: as if it had never been sent. To a client who left meanwhile it comes in full. */
function bounced(escrow: EscrowModel, of: Letter): Verdict {
    const { inFlight } = escrow;
    if (of.op !== 'charged') return accept(() => []);
    if (inFlight?.queryId !== of.queryId) return accept(() => [excess(escrow.client)]);
    return accept(() => {
        escrow.inFlight = null;
        escrow.paid = inFlight.paidBefore;
        escrow.balanceNano += inFlight.amountNano;
        return [excess(inFlight.settler)];
    });
}
