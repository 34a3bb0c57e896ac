import { z } from 'zod';
import type { Collateral } from '../attestation';
import type { HeldCollateral, InForce } from '../../wrappers';

/** A platform family, and which of Intel's PCK authorities vouches for its machines. */
export interface Family {
    /** 6 bytes */
    fmspc: Buffer;
    authority: 'platform' | 'processor';
}

export type PieceKind = 'root revocation list' | 'pck revocation list' | 'tcb info' | 'qe identity';

/** One piece of collateral as the service has it, beside what the contract holds. */
export interface Piece {
    kind: PieceKind;
    /** for logs: which family or authority */
    of: string;
    issuedAt: Date;
    held: InForce | null;
}

const dated = z.object({ issueDate: z.iso.datetime(), tcbEvaluationDataNumber: z.int().min(0) });

/** The four pieces that a family's quotes are judged by, in the order in which the contract takes them. */
export function piecesOf(
    { fmspc, authority }: Family,
    fresh: Collateral,
    held: HeldCollateral,
    listIssuedAt: (derHex: string) => Date,
): Piece[] {
    const info = dated.parse(JSON.parse(fresh.tcb_info));
    const identity = dated.parse(JSON.parse(fresh.qe_identity));
    const listHeld = (name: 'root' | 'platform' | 'processor') =>
        held.revocationLists.find((list) => list.authority === name) ?? null;
    return [
        {
            kind: 'root revocation list',
            of: 'root',
            issuedAt: listIssuedAt(fresh.root_ca_crl),
            held: listHeld('root'),
        },
        {
            kind: 'pck revocation list',
            of: authority,
            issuedAt: listIssuedAt(fresh.pck_crl),
            held: listHeld(authority),
        },
        {
            kind: 'tcb info',
            of: `${fmspc.toString('hex')}, evaluation ${info.tcbEvaluationDataNumber}`,
            issuedAt: new Date(info.issueDate),
            held:
                held.tcbInfos.find(
                    (one) => one.fmspc.equals(fmspc) && one.evaluation === info.tcbEvaluationDataNumber,
                ) ?? null,
        },
        {
            kind: 'qe identity',
            of: `evaluation ${identity.tcbEvaluationDataNumber}`,
            issuedAt: new Date(identity.issueDate),
            held: held.qeIdentities.find((one) => one.evaluation === identity.tcbEvaluationDataNumber) ?? null,
        },
    ];
}

/** Missing, or near its end while something newer is at hand. */
export function isDue({ issuedAt, held }: Piece, at: Date, renewBeforeMs: number): boolean {
    if (held === null) return true;
    return issuedAt > held.issuedAt && held.expiresAt.getTime() - at.getTime() < renewBeforeMs;
}
