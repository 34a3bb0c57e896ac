import { z } from 'zod';
import type { Intent } from '../outbox';
import type { HeldCollateral } from '../../wrappers';
import type { Piece } from './pieces';

export const postKind = 'post-collateral';

const payloadSchema = z.strictObject({
    kind: z.enum(['root revocation list', 'pck revocation list', 'tcb info', 'qe identity']),
    of: z.string(),
    issuedAt: z.iso.datetime(),
});

/** A posting as an intent of the outbox. */
export function postIntent({ kind, of, issuedAt }: Piece): Intent {
    const payload = JSON.stringify({ kind, of, issuedAt: issuedAt.toISOString() });
    return { kind: postKind, key: `${kind}/${of}`, payload };
}

/** Whether the contract holds the piece, or a newer one of its place. */
export function isPosted(held: HeldCollateral, payload: string): boolean {
    const { kind, of, issuedAt } = payloadSchema.parse(JSON.parse(payload));
    const inForce = {
        'root revocation list': () => held.revocationLists.filter(({ authority }) => authority === 'root'),
        'pck revocation list': () => held.revocationLists.filter(({ authority }) => authority === of),
        'tcb info': () =>
            held.tcbInfos.filter((one) => `${one.fmspc.toString('hex')}, evaluation ${one.evaluation}` === of),
        'qe identity': () => held.qeIdentities.filter(({ evaluation }) => `evaluation ${evaluation}` === of),
    }[kind]();
    return inForce.some((one) => one.issuedAt >= new Date(issuedAt));
}
