import {
    inverse,
    modulo,
    multiplyGenerator,
    p256Hints,
    p256Order,
    p256Prime,
    toBytes,
} from '../../../wrappers/quote-packer-p256';
import { createVerifier } from './support/environment';
import { createKeyPair } from './support/minted-certificate';
import { mintedAtSec } from './support/minted-quote';

const p256B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
    let [result, square] = [1n, base];
    for (let rest = exponent; rest > 0n; rest >>= 1n) {
        if (rest & 1n) result = (result * square) % modulus;
        square = (square * square) % modulus;
    }
    return result;
}

/** The point with x = 0. Nobody knows its private key, but any key has a digest that a made-up signature is valid for. */
const keyY = power(p256B, (p256Prime + 1n) / 4n, p256Prime);

/** With R = uG + Q: r = s = x(R) and the digest u * r. */
function madeUp(u: bigint) {
    const { x, y } = multiplyGenerator(u);
    const slope = modulo((y - keyY) * inverse(x, p256Prime)!, p256Prime);
    const r = modulo(slope * slope - x, p256Prime) % p256Order;
    const key = Buffer.concat([toBytes(0n, 32), toBytes(keyY, 32)]);
    return {
        digest: toBytes((u * r) % p256Order, 32),
        signature: Buffer.concat([toBytes(r, 32), toBytes(r, 32)]),
        key,
    };
}

it('the contract takes a key whose x is zero, and none that spells it as the prime', async () => {
    expect((keyY * keyY) % p256Prime).toBe(p256B);
    const { verifier } = await createVerifier({ rootKey: createKeyPair().point, nowSec: mintedAtSec });
    const check = madeUp(12_345n);
    const hints = p256Hints(check)!;
    expect(await verifier.getP256Valid({ ...check, hints })).toBe(true);
    const spelled = Buffer.concat([toBytes(p256Prime, 32), toBytes(keyY, 32)]);
    expect(await verifier.getP256Valid({ ...check, key: spelled, hints })).toBe(false);
});
