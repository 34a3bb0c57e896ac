import { Cell, Dictionary, DictionaryValue, Slice } from '@ton/core';

/** When a piece of collateral was issued, and the last second in which it serves. */
export interface InForce {
    issuedAt: Date;
    expiresAt: Date;
}

export interface HeldTcbInfo extends InForce {
    /** platform family, 6 bytes */
    fmspc: Buffer;
    /** evaluation data number */
    evaluation: number;
}

export interface HeldQeIdentity extends InForce {
    evaluation: number;
}

export interface HeldRevocationList extends InForce {
    authority: 'root' | 'platform' | 'processor';
    revokedCount: number;
}

/** What a QuoteVerifier holds; layouts: contracts/attestation/collateral.tact. */
export interface HeldCollateral {
    /** evaluation data number below which nothing is taken or used */
    evaluationFloor: number;
    tcbInfos: HeldTcbInfo[];
    qeIdentities: HeldQeIdentity[];
    revocationLists: HeldRevocationList[];
    /** PCK keys whose quotes may leave their certificates out */
    knownPckCount: number;
}

interface RawCollateral {
    tcbInfos: Cell | null;
    qeIdentities: Cell | null;
    revocationLists: Cell | null;
    pckCount: bigint;
}

const authorities = ['root', 'platform', 'processor'] as const;
const rawValue: DictionaryValue<Slice> = {
    serialize: () => {
        throw new Error('collateral is only read');
    },
    parse: (slice) => slice,
};

export function readHeldCollateral(raw: RawCollateral, evaluationFloor: number): HeldCollateral {
    return {
        evaluationFloor,
        tcbInfos: entriesOf(raw.tcbInfos, 80).map(([key, slice]) => ({
            ...readInForce(slice),
            fmspc: Buffer.from((key >> 32n).toString(16).padStart(12, '0'), 'hex'),
            evaluation: Number(key & 0xffffffffn),
        })),
        qeIdentities: entriesOf(raw.qeIdentities, 32).map(([key, slice]) => ({
            ...readInForce(slice),
            evaluation: Number(key),
        })),
        revocationLists: entriesOf(raw.revocationLists, 8).map(([key, slice]) => ({
            ...readInForce(slice),
            authority: authorities[Number(key)]!,
            revokedCount: slice.loadUint(16),
        })),
        knownPckCount: Number(raw.pckCount),
    };
}

function entriesOf(dictionary: Cell | null, keyBits: number): [bigint, Slice][] {
    if (dictionary === null) return [];
    return [...Dictionary.loadDirect(Dictionary.Keys.BigUint(keyBits), rawValue, dictionary)];
}

function readInForce(slice: Slice): InForce {
    return { issuedAt: readTime(slice), expiresAt: readTime(slice) };
}

/** Twelve ASCII digits YYMMDDHHMMSS. */
function readTime(slice: Slice): Date {
    const [year, month, day, hour, minute, second] = slice.loadBuffer(12).toString('latin1').match(/../g)!.map(Number);
    return new Date(Date.UTC(2000 + year!, month! - 1, day, hour, minute, second));
}

/** The newest evaluation of the family's collateral that is in force on both sides at that time; null: somebody has to post it first. */
export function usableEvaluation(held: HeldCollateral, fmspc: Buffer, at: Date): number | null {
    const isInForce = ({ issuedAt, expiresAt }: InForce) => issuedAt <= at && at <= expiresAt;
    const identities = new Set(held.qeIdentities.filter(isInForce).map(({ evaluation }) => evaluation));
    const usable = held.tcbInfos
        .filter((info) => info.fmspc.equals(fmspc) && isInForce(info) && identities.has(info.evaluation))
        .map(({ evaluation }) => evaluation)
        .filter((evaluation) => evaluation >= held.evaluationFloor);
    return usable.length === 0 ? null : Math.max(...usable);
}
