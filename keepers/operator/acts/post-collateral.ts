import type { OpenedContract } from '@ton/core';
import { z } from 'zod';
import {
    type Collateral,
    CollateralService,
    intelPcsUrl,
    PcsClient,
    pckAuthorityOf,
    readCollateralFile,
    revocationListIssuedAt,
} from '../../attestation';
import { CocoonError, errorMessage } from '../../base';
import { type Family, isDue, type Piece, piecesOf, postPiece } from '../../registrar';
import type { HeldCollateral, QuoteVerifier } from '../../../wrappers';
import { type ActPlan, type PlannedMessage, planMessage } from '../act';
import type { OperatorContext } from '../context';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes } from '../fields';
import { describeCollateral, openVerifier } from './show-collateral';

const args = z.strictObject({
    collateralFile: z.string().min(1).optional().describe('JSON of the nine texts; fetched unless given'),
    fmspc: bytes(6).optional().describe('platform family to fetch for, 6 bytes of hex'),
    authority: z.enum(['platform', 'processor']).default('platform').describe('PCK authority of its machines'),
    url: z.url().default(intelPcsUrl).describe('collateral service'),
    registry: address.optional().describe('registry; that of the deployment file unless given'),
});

export const postCollateral = defineAct({
    name: 'post-collateral',
    purpose: 'Posts what Intel publishes of a platform family, from whom ever: quotes are judged by it on chain',
    args,
    async plan(context, given): Promise<ActPlan<HeldCollateral>> {
        const verifier = await openVerifier(context, given.registry);
        const { family, fresh } = await collateralOf(given);
        const duePieces = async () => {
            const at = new Date((await context.nowSec()) * 1000);
            const pieces = piecesOf(family, fresh, await verifier.getCollateral(), revocationListIssuedAt);
            // Whatever is newer than what is held.
            return pieces.filter((piece) => isDue(piece, at, Infinity));
        };
        const due = await duePieces();
        const messages: PlannedMessage[] = [];
        for (const piece of due) {
            const isDone = async () => !(await duePieces()).some(({ kind }) => kind === piece.kind);
            messages.push({ ...(await message(context, verifier, piece, fresh)), isDone });
        }
        return {
            title: due.length > 0 ? `Post ${due.length} piece(s) of collateral` : 'The chain holds collateral as new',
            summary: [`verifier ${verifier.address}`, `family ${family.fmspc.toString('hex')}`],
            messages,
            readBack: async () => ((await duePieces()).length === 0 ? verifier.getCollateral() : null),
            describe: describeCollateral,
        };
    },
});

async function collateralOf(given: z.output<typeof args>): Promise<{ family: Family; fresh: Collateral }> {
    if (given.collateralFile !== undefined) {
        const fresh = readCollateralFile(given.collateralFile);
        return { fresh, family: familyOf(fresh) };
    }
    if (given.fmspc === undefined) throw new OperatorError('argument_invalid', 'give either collateralFile or fmspc');
    const family = { fmspc: given.fmspc, authority: given.authority };
    const service = new CollateralService({ client: new PcsClient({ baseUrl: given.url }) });
    const needs = { tee: 'tdx', authority: given.authority, fmspc: given.fmspc.toString('hex') } as const;
    return { family, fresh: await service.collateralFor(needs) };
}

const textOfFamily = z.object({ fmspc: z.string().regex(/^[0-9a-fA-F]{12}$/) });

/** A file says itself of which family it is. */
function familyOf(collateral: Collateral): Family {
    try {
        const { fmspc } = textOfFamily.parse(JSON.parse(collateral.tcb_info));
        const authority = pckAuthorityOf(collateral.pck_crl_issuer_chain);
        return { fmspc: Buffer.from(fmspc, 'hex'), authority };
    } catch (error) {
        if (error instanceof CocoonError) throw error;
        throw new OperatorError('argument_invalid', `collateralFile: ${errorMessage(error)}`, { cause: error });
    }
}

async function message(
    context: OperatorContext,
    verifier: OpenedContract<QuoteVerifier>,
    piece: Piece,
    fresh: Collateral,
): Promise<PlannedMessage> {
    const what = `post the ${piece.kind} (${piece.of}); most of the value comes back`;
    return planMessage(context.sender.address, what, (via) => postPiece(verifier, via, piece.kind, fresh));
}
