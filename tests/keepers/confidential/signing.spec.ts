import { sign } from '@ton/crypto';
import { Signature, verifyMessage, Wallet } from 'ethers';
import {
    generateSecp256k1Signer,
    generateSigner,
    issueKemCertificate,
    issueOffer,
    signerFromSecp256k1Key,
    signerFromSeed,
    signHello,
    verifyHello,
    verifyKemCertificate,
    verifyNodeSignature,
    verifyOffer,
    verifySignature,
} from '../../../keepers/confidential';
import { bytesOf, expectCode, flipped, network, node, nowSec, offerFields } from './exchange';

const digest = bytesOf('digest');

describe('signing', () => {
    it('derives the key of RFC 8032, section 7.1, test 1', () => {
        const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
        const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
        expect(signerFromSeed(seed).publicKey.toString('hex')).toBe(publicKey);
    });

    it('makes the signatures that the chain checks', () => {
        const seed = bytesOf('node');
        const tweetnacl = sign(digest, Buffer.concat([seed, node.publicKey]));
        expect(node.sign(digest)).toEqual(tweetnacl);
    });

    it('verifies its own signature and no other', () => {
        const signature = node.sign(digest);
        const publicKey = node.publicKey;
        expect(verifySignature({ publicKey, digest, signature })).toBe(true);
        for (let index = 0; index < 64; index++) {
            expect(verifySignature({ publicKey, digest, signature: flipped(signature, index) })).toBe(false);
        }
        expect(verifySignature({ publicKey, digest: flipped(digest, 31), signature })).toBe(false);
        expect(verifySignature({ publicKey: generateSigner().publicKey, digest, signature })).toBe(false);
    });

    it('says no, without throwing, to what is no key, digest or signature', () => {
        const signature = node.sign(digest);
        const publicKey = node.publicKey;
        expect(verifySignature({ publicKey: Buffer.alloc(31), digest, signature })).toBe(false);
        expect(verifySignature({ publicKey: Buffer.alloc(32, 0xff), digest, signature })).toBe(false);
        expect(verifySignature({ publicKey, digest: Buffer.alloc(0), signature })).toBe(false);
        expect(verifySignature({ publicKey, digest, signature: Buffer.alloc(0) })).toBe(false);
    });

    it('signs digests of 32 bytes alone', async () => {
        await expectCode('input_invalid', () => node.sign(Buffer.alloc(33)));
        await expectCode('input_invalid', () => signerFromSeed(Buffer.alloc(64)));
    });
});

describe('signing with an Ethereum key', () => {
    const signer = signerFromSecp256k1Key(bytesOf('Ethereum key'));
    const { publicKey } = signer;

    it('makes what ethers makes and checks', async () => {
        const wallet = new Wallet('0x' + bytesOf('Ethereum key').toString('hex'));
        const signature = signer.sign(digest);
        expect(publicKey.toString('hex')).toBe('0'.repeat(24) + wallet.address.slice(2).toLowerCase());
        expect(Signature.from(await wallet.signMessage(digest)).compactSerialized.slice(2)).toBe(
            signature.toString('hex'),
        );
        expect(verifyMessage(digest, Signature.from('0x' + signature.toString('hex')))).toBe(wallet.address);
    });

    it('verifies its own signature and no other, and never throws', () => {
        const signature = signer.sign(digest);
        expect(verifyNodeSignature({ publicKey, digest, signature })).toBe(true);
        for (let index = 0; index < 64; index++) {
            expect(verifyNodeSignature({ publicKey, digest, signature: flipped(signature, index) })).toBe(false);
        }
        expect(verifyNodeSignature({ publicKey, digest: flipped(digest, 31), signature })).toBe(false);
        expect(verifyNodeSignature({ publicKey: generateSecp256k1Signer().publicKey, digest, signature })).toBe(false);
        expect(verifyNodeSignature({ publicKey, digest: Buffer.alloc(0), signature })).toBe(false);
        expect(verifyNodeSignature({ publicKey, digest, signature: Buffer.alloc(0) })).toBe(false);
        expect(verifyNodeSignature({ publicKey: Buffer.alloc(31), digest, signature })).toBe(false);
    });

    it('makes every statement of a node: KEM certificate, offer, hello', async () => {
        const expected = { network, nodeKey: publicKey, nowSec };
        const window = { notBeforeSec: nowSec, notAfterSec: nowSec + 600 };
        const fields = { suite: 2 as const, network, kemEpoch: 1, publicKey: bytesOf('KEM key'), ...window };
        expect(verifyKemCertificate(issueKemCertificate(fields, signer).signed, expected).nodeKey).toEqual(publicKey);
        expect(verifyOffer(issueOffer(offerFields, signer).signed, expected).nodeKey).toEqual(publicKey);
        const hello = { network, hub: bytesOf('hub'), challenge: bytesOf('challenge') };
        expect(verifyHello(hello, publicKey, signHello(hello, signer))).toBe(true);
        expect(verifyHello({ ...hello, challenge: bytesOf('another') }, publicKey, signHello(hello, signer))).toBe(
            false,
        );
    });

    it('signs no caps: the chain knows Ed25519 session keys alone', () => {
        expect(verifySignature({ publicKey, digest, signature: signer.sign(digest) })).toBe(false);
    });

    it('leaves nodes with an Ed25519 key as they were', () => {
        const signature = node.sign(digest);
        expect(verifyNodeSignature({ publicKey: node.publicKey, digest, signature })).toBe(true);
        expect(verifyNodeSignature({ publicKey: node.publicKey, digest, signature: flipped(signature, 3) })).toBe(
            false,
        );
    });

    it('signs digests of 32 bytes alone', async () => {
        await expectCode('input_invalid', () => signer.sign(Buffer.alloc(33)));
    });
});
