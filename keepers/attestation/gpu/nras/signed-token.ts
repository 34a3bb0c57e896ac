import { compactVerify, decodeProtectedHeader, importJWK, type JWK, type KeyLike } from 'jose';
import { z } from 'zod';
import { check, GpuCheckFailure, parsed } from '../verify/check-codes';
import type { NrasKeys } from './claims';

/** The only algorithm that NVIDIA's service signs with. Taken from no token: a token's own word counts for nothing. */
const algorithm = 'ES384';

const headerSchema = z.object({
    alg: z.literal(algorithm),
    kid: z.string().min(1).max(256),
    crit: z.undefined().optional(),
});

/** The payload of a token that one of the keys has signed, as JSON; nothing in it is judged yet. */
export async function openToken(token: string, keys: NrasKeys): Promise<unknown> {
    const { kid } = parsed('nras_algorithm', 'header of the token', () =>
        headerSchema.parse(decodeProtectedHeader(token)),
    );
    const key = await keyOf(kid, keys);
    const payload = await verified(token, key);
    return parsed('nras_claims_format', 'token', () => JSON.parse(Buffer.from(payload).toString('utf8')) as unknown);
}

async function keyOf(kid: string, { keys }: NrasKeys): Promise<KeyLike | Uint8Array> {
    const named = keys.filter((key) => key['kid'] === kid);
    check(
        named.length === 1,
        'nras_key',
        'the token is signed with a key that the service does not list, or lists twice',
    );
    const { kty, crv, x, y } = named[0]! as unknown as JWK;
    check(kty === 'EC' && crv === 'P-384', 'nras_key', 'the key of the token is not of P-384');
    try {
        return await importJWK({ kty, crv, x: x ?? '', y: y ?? '' }, algorithm);
    } catch {
        throw new GpuCheckFailure('nras_key', 'the key of the token is not a point of the curve');
    }
}

async function verified(token: string, key: KeyLike | Uint8Array): Promise<Uint8Array> {
    try {
        return (await compactVerify(token, key, { algorithms: [algorithm] })).payload;
    } catch {
        throw new GpuCheckFailure(
            'nras_signature',
            'a token is not signed by the key that it names, or was changed since',
        );
    }
}
