import { mintCollateral, createPlatform, revocationListIssuedAt } from '../../../keepers/attestation';
import { isDue, type Piece, piecesOf } from '../../../keepers/registrar/pieces';
import type { HeldCollateral } from '../../../wrappers';
import { now, pki } from '../attestation/development-evidence';

const dayMs = 86_400_000;
const platform = createPlatform(pki);
const { fmspc } = platform.facts;
const issuedAt = new Date(now.getTime() - dayMs);
const inForce = { issuedAt, expiresAt: new Date(issuedAt.getTime() + 30 * dayMs) };
const nothing: HeldCollateral = {
    evaluationFloor: 0,
    tcbInfos: [],
    qeIdentities: [],
    revocationLists: [],
    knownPckCount: 0,
};
const family = { fmspc, authority: 'platform' } as const;
const pieces = (held: HeldCollateral) => piecesOf(family, mintCollateral(pki, platform), held, revocationListIssuedAt);

describe('the pieces of a family', () => {
    it('come in the order in which the contract takes them, with the dates of the service', () => {
        const all = pieces(nothing);
        expect(all.map(({ kind }) => kind)).toEqual([
            'root revocation list',
            'pck revocation list',
            'tcb info',
            'qe identity',
        ]);
        expect(all.map((piece) => piece.issuedAt)).toEqual(Array(4).fill(issuedAt));
        expect(all.map(({ held }) => held)).toEqual(Array(4).fill(null));
        expect(all.map(({ of }) => of)).toEqual(['root', 'platform', '90c06f000000, evaluation 18', 'evaluation 18']);
    });

    it('are found among what is held by authority, family and evaluation', () => {
        const held: HeldCollateral = {
            ...nothing,
            tcbInfos: [
                { fmspc: Buffer.alloc(6), evaluation: 18, ...inForce },
                { fmspc, evaluation: 17, ...inForce },
                { fmspc, evaluation: 18, ...inForce },
            ],
            qeIdentities: [{ evaluation: 17, ...inForce }],
            revocationLists: [
                { authority: 'processor', revokedCount: 0, ...inForce },
                { authority: 'root', revokedCount: 0, ...inForce },
            ],
        };
        const [root, list, info, identity] = pieces(held).map((piece) => piece.held);
        expect(root).toBe(held.revocationLists[1]);
        expect(list).toBeNull();
        expect(info).toBe(held.tcbInfos[2]);
        expect(identity).toBeNull();
    });

    it('of a service that sends no dates are an error', () => {
        const broken = { ...mintCollateral(pki, platform), tcb_info: '{"issueDate":"yesterday"}' };
        expect(() => piecesOf(family, broken, nothing, revocationListIssuedAt)).toThrow();
    });
});

describe('a piece is due', () => {
    const renewBeforeMs = 7 * dayMs;
    const piece = (held: Piece['held'], issued: Date): Piece => ({
        kind: 'tcb info',
        of: 'x',
        issuedAt: issued,
        held,
    });
    const newer = new Date(issuedAt.getTime() + 1000);
    const daysBeforeEnd = (days: number) => new Date(inForce.expiresAt.getTime() - days * dayMs);

    it('when nothing is held', () => {
        expect(isDue(piece(null, issuedAt), now, renewBeforeMs)).toBe(true);
    });

    it('near its end, and not before', () => {
        expect(isDue(piece(inForce, newer), daysBeforeEnd(8), renewBeforeMs)).toBe(false);
        expect(isDue(piece(inForce, newer), daysBeforeEnd(7), renewBeforeMs)).toBe(false);
        expect(isDue(piece(inForce, newer), daysBeforeEnd(6), renewBeforeMs)).toBe(true);
        expect(isDue(piece(inForce, newer), daysBeforeEnd(-1), renewBeforeMs)).toBe(true);
    });

    it('only while something newer is at hand: the contract would refuse it', () => {
        expect(isDue(piece(inForce, issuedAt), daysBeforeEnd(1), renewBeforeMs)).toBe(false);
    });
});
