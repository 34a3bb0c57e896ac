import { hexlify, Signature, SigningKey, verifyMessage, Wallet } from 'ethers';
import fc from 'fast-check';
import {
    addressOfNodeKey,
    addressSigner,
    buildSettlementLines,
    checkNodeSignature,
    checkReceiptSignature,
    encodeReceiptTail,
    nodeKeyOfAddress,
    parseSettlementLines,
    type Receipt,
    receiptDigest,
    recoverNodeKey,
    StatementError,
    suiteOfKey,
} from '../../wrappers';
import ed25519Vectors from '../vectors/receipts.json';
import vectors from '../vectors/receipts-secp256k1.json';
import { testKey } from './support/ed25519';

type Vector = (typeof vectors.cases)[number];

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const uint256 = (value: bigint) => bytes(value.toString(16).padStart(64, '0'));

function receiptOf(vector: Omit<Vector, 'privateKey' | 'messageHash'>): Receipt {
    return {
        network: bytes(vector.network),
        escrow: bytes(vector.escrow),
        epoch: vector.epoch,
        nodeKey: bytes(vector.nodeKey),
        sessionKey: bytes(vector.sessionKey),
        sequence: vector.sequence,
        costNano: BigInt(vector.costNano),
        cumulativeNano: BigInt(vector.cumulativeNano),
        reference: bytes(vector.reference),
    };
}

function codeOf(act: () => unknown): string {
    try {
        act();
    } catch (error) {
        return error instanceof StatementError ? error.code : String(error);
    }
    return 'no error';
}

describe.each(vectors.cases)('the $name vector of suite 2', (vector) => {
    const receipt = receiptOf(vector);
    const digest = bytes(vector.receiptDigest);
    const signature = bytes(vector.nodeSignature);
    const wallet = new Wallet(hexlify(bytes(vector.privateKey)));

    it('gives the receipt its bytes, digest, key and signature', () => {
        const signer = addressSigner(bytes(vector.privateKey));
        expect(signer.nodeKey.toString('hex')).toBe(vector.nodeKey);
        expect(suiteOfKey(signer.nodeKey)).toBe(2);
        expect(encodeReceiptTail(receipt).toString('hex')).toBe(vector.receiptTail);
        expect(receiptDigest(receipt)).toEqual(digest);
        expect(signer.sign(digest).toString('hex')).toBe(vector.nodeSignature);
        expect(() => checkReceiptSignature(receipt, signature)).not.toThrow();
    });

    it('is what a wallet of ethers signs, and what its verifyMessage accepts', async () => {
        const signed = Signature.from(await wallet.signMessage(digest));
        expect(signed.compactSerialized).toBe(hexlify(signature));
        const address = verifyMessage(digest, Signature.from(hexlify(signature)));
        expect(address).toBe(wallet.address);
        expect(hexlify(addressOfNodeKey(receipt.nodeKey))).toBe(address.toLowerCase());
    });

    it('recovers from the message hash that the hub computes', () => {
        const recovered = SigningKey.recoverPublicKey(
            hexlify(bytes(vector.messageHash)),
            Signature.from(hexlify(signature)),
        );
        expect(recovered).toBe(wallet.signingKey.publicKey);
    });

    it('survives a settlement cell', () => {
        const line = {
            receipt,
            nodeSignature: signature,
            cap: { nodeKey: receipt.nodeKey, cumulativeNano: 1n, requestHash: Buffer.alloc(32, 7) },
            capSignature: Buffer.alloc(64, 8),
        };
        const [parsed] = parseSettlementLines(buildSettlementLines([line]));
        expect(parsed!.nodeSignature).toEqual(signature);
        expect(() => checkReceiptSignature({ ...receipt, ...parsed!.receipt }, parsed!.nodeSignature)).not.toThrow();
    });
});

describe('a receipt signature', () => {
    const vector = vectors.cases[0]!;
    const receipt = receiptOf(vector);
    const signature = bytes(vector.nodeSignature);
    const [r, yParityAndS] = [signature.subarray(0, 32), signature.subarray(32)];
    const check = (changed: Buffer) => codeOf(() => checkReceiptSignature(receipt, changed));

    it.each(ed25519Vectors.cases)('of suite 1 holds for the $name vector and for no other receipt', (one) => {
        const about = receiptOf(one);
        expect(suiteOfKey(about.nodeKey)).toBe(1);
        expect(codeOf(() => checkReceiptSignature(about, bytes(one.nodeSignature)))).toBe('no error');
        const other = { ...about, costNano: about.costNano ^ 1n };
        expect(codeOf(() => checkReceiptSignature(other, bytes(one.nodeSignature)))).toBe('signature_wrong');
        expect(codeOf(() => checkReceiptSignature(about, Buffer.alloc(63)))).toBe('signature_malformed');
    });

    it('of suite 1 does not hold under a key that is no point of the curve', () => {
        const nodeKey = Buffer.alloc(32, 0xff);
        const digest = Buffer.alloc(32, 1);
        expect(codeOf(() => checkNodeSignature({ nodeKey, digest, signature }))).toBe('signature_wrong');
    });

    it('does not hold after any change of one byte', () => {
        for (let index = 0; index < 64; index++) {
            const changed = Buffer.from(signature);
            changed[index]! ^= 0x10;
            expect(['signature_wrong', 'signature_malformed', 'signature_high_s']).toContain(check(changed));
        }
    });

    it('does not hold with the other parity', () => {
        const changed = Buffer.from(signature);
        changed[32]! ^= 0x80;
        expect(check(changed)).toBe('signature_wrong');
    });

    it('is refused with s in the upper half, where compact form can spell it at all', () => {
        expect(check(Buffer.concat([r, uint256(curveOrder / 2n)]))).toBe('signature_wrong');
        expect(check(Buffer.concat([r, uint256(curveOrder / 2n + 1n)]))).toBe('signature_high_s');
        expect(check(Buffer.concat([r, uint256((1n << 256n) - 1n)]))).toBe('signature_high_s');
    });

    it('is refused with r or s outside the order of the curve, or r of no point', () => {
        expect(check(Buffer.concat([Buffer.alloc(32), yParityAndS]))).toBe('signature_malformed');
        expect(check(Buffer.concat([uint256(curveOrder), yParityAndS]))).toBe('signature_malformed');
        expect(check(Buffer.concat([r, Buffer.alloc(32)]))).toBe('signature_malformed');
        expect(check(Buffer.concat([uint256(5n), yParityAndS]))).toBe('signature_malformed');
        expect(check(signature.subarray(1))).toBe('signature_malformed');
        expect(check(Buffer.concat([signature, Buffer.from([27])]))).toBe('signature_malformed');
    });

    it('of one suite never holds under a key of the other', () => {
        const ed25519 = testKey('suite');
        const digest = receiptDigest(receipt);
        const made = ed25519.sign(digest);
        expect(codeOf(() => checkNodeSignature({ nodeKey: receipt.nodeKey, digest, signature: made }))).not.toBe(
            'no error',
        );
        expect(codeOf(() => checkNodeSignature({ nodeKey: ed25519.publicKey, digest, signature }))).toBe(
            'signature_wrong',
        );
    });

    it('holds for every key and digest that it was made with', () => {
        const scalar = fc.bigInt({ min: 1n, max: curveOrder - 1n });
        const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
        fc.assert(
            fc.property(scalar, digests, (secret, digest) => {
                const signer = addressSigner(uint256(secret));
                const made = signer.sign(Buffer.from(digest));
                expect(recoverNodeKey(Buffer.from(digest), made)).toEqual(signer.nodeKey);
            }),
            { numRuns: 40 },
        );
    });

    it('is refused by a typed error, whatever the bytes', () => {
        const known = ['signature_wrong', 'signature_malformed', 'signature_high_s', 'statement_wrong_length'];
        const any = fc.uint8Array({ maxLength: 80 });
        fc.assert(
            fc.property(any, fc.oneof(any, fc.uint8Array({ minLength: 64, maxLength: 64 })), (digest, made) => {
                const code = codeOf(() =>
                    checkNodeSignature({
                        nodeKey: receipt.nodeKey,
                        digest: Buffer.from(digest),
                        signature: Buffer.from(made),
                    }),
                );
                expect(known).toContain(code);
            }),
            { numRuns: 300 },
        );
    });
});

describe('a key of suite 2', () => {
    it('is an address and nothing else', () => {
        const address = Buffer.alloc(20, 0xab);
        expect(addressOfNodeKey(nodeKeyOfAddress(address))).toEqual(address);
        expect(codeOf(() => nodeKeyOfAddress(Buffer.alloc(32)))).toBe('statement_wrong_length');
        expect(codeOf(() => addressOfNodeKey(Buffer.alloc(32, 1)))).toBe('statement_field_invalid');
        expect(codeOf(() => suiteOfKey(Buffer.alloc(20)))).toBe('statement_wrong_length');
    });

    it('is made from a scalar of the curve alone', () => {
        expect(codeOf(() => addressSigner(Buffer.alloc(32)))).toBe('statement_out_of_range');
        expect(codeOf(() => addressSigner(uint256(curveOrder)))).toBe('statement_out_of_range');
        expect(codeOf(() => addressSigner(Buffer.alloc(31)))).toBe('statement_wrong_length');
        expect(codeOf(() => addressSigner(uint256(1n)).sign(Buffer.alloc(31)))).toBe('statement_wrong_length');
    });
});
