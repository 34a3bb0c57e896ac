import { Letter } from './letter';

/** What the chain says about an arriving message, before the contract runs. */
export interface Arrival {
    self: string;
    from: string;
    /** what the contract sees of the message's value: storage debt is taken from it */
    valueNano: bigint;
    nowSec: number;
    /** without the message's value, storage fees taken */
    balanceBeforeNano: bigint;
    announced: Announced;
    /** prices changed after the first message of this chain was sent and paid for */
    isRepriced: boolean;
}

/** What getters say at the prices of the moment. */
export interface Announced {
    /** what stays in the account besides what it owes */
    reserveNano: bigint;
    openFeeNano: bigint;
    topUpFeeNano: bigint;
    settleFeeNano(lines: number): bigint;
    admitFeeNano: bigint;
    payFeeNano: bigint;
    pruneFeeNano: bigint;
    /** what Bond takes off, a refund loses on the way back, a listing costs the first time and again; measured on contracts apart */
    bondFeeNano: bigint;
    refundFeeNano: bigint;
    firstListingFeeNano: bigint;
    listingFeeNano: bigint;
}

/** A message that the contract has to send. */
export interface Expected {
    to: string;
    /** name of the message in the contracts' bindings */
    name: string;
    letter?: Letter;
    /** the least it carries */
    atLeastNano?: bigint;
    exactNano?: bigint;
    /** exit code or reason, where the message tells one */
    reason?: number;
    /** the contract may leave it out when the value does not pay for it */
    isOptional?: boolean;
}

export interface Verdict {
    /** either: too close to the fees to say, but then nothing but the effect may happen */
    accept: boolean | 'either';
    why: string;
    effect(): Expected[];
    /** what happens instead when the contract answers with a refusal for want of value */
    orElse?: () => Expected[];
}

/** Pays for any message and any missing reserve at the highest prices. */
export const plentyNano = 10_000_000_000n;

export function refuse(why: string): Verdict {
    return {
        accept: false,
        why,
        effect: () => {
            throw new Error(`accepted: ${why}`);
        },
    };
}

export function accept(effect: () => Expected[], certainty: boolean | 'either' = true): Verdict {
    return { accept: certainty, why: '', effect };
}

/** For messages whose price no getter tells. */
export function acceptIfPaid(arrival: Arrival, effect: () => Expected[]): Verdict {
    return accept(effect, arrival.valueNano >= plentyNano ? true : 'either');
}

export function registrationRefused(to: string): Expected {
    return { to, name: 'RegistrationRefused', isOptional: true };
}

export function excess(to: string): Expected {
    return { to, name: 'Excesses', isOptional: true };
}

/** A rule that answers instead of throwing: without a reason against it the effect, or a polite refusal when the value is thin. */
export function answer(at: Arrival, refused: Expected, reason: string | null, effect: () => Expected[]): Verdict {
    const refusal = () => [{ ...refused, isOptional: true }];
    const isPaid = at.valueNano >= plentyNano;
    if (reason !== null) return { accept: isPaid ? true : 'either', why: reason, effect: refusal };
    return isPaid ? accept(effect) : { ...accept(effect, 'either'), orElse: refusal };
}
