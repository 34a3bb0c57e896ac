import { createHash } from 'node:crypto';
import { Wallet } from 'ethers';
import fc from 'fast-check';
import { AttestationError } from '../../../../keepers/attestation';
import { chatSignatureFlaw, parseChatSignature } from '../../../../keepers/attestation/dstack';
import { pythonSpelling } from '../../../../keepers/attestation/dstack/python-json';
import { wallet } from './development-report';

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
const request = '{"model":"toy","messages":[]}';
const response = Buffer.from('{"id":"chat-1","choices":[{"text":"Grüß 🌴: \\"a, b\\"","n":1.50}]}');
const exchange = {
    signers: new Set([wallet.address.slice(2).toLowerCase()]),
    requestHash: sha256(request),
    responseHash: sha256(response),
};

async function signed(text: string, by = wallet) {
    const signature = await by.signMessage(text);
    return parseChatSignature({ text, signature, signing_address: by.address, signing_algo: 'ecdsa' });
}

describe('the signature of a chat', () => {
    it('holds over request and response, with the model before them or without', async () => {
        const text = `${sha256(request)}:${sha256(response)}`;
        expect(chatSignatureFlaw(await signed(text), exchange)).toBeNull();
        expect(chatSignatureFlaw(await signed(`org/model:v1:${text}`), exchange)).toBeNull();
    });

    it('holds over the spelling that Python gives an answer which is sent compactly', async () => {
        const python =
            '{"id": "chat-1", "choices": [{"text": "Gr\\u00fc\\u00df \\ud83c\\udf34: \\"a, b\\"", "n": 1.50}]}';
        const signature = await signed(`${sha256(request)}:${sha256(python)}`);
        expect(chatSignatureFlaw(signature, { ...exchange, response })).toBeNull();
        expect(chatSignatureFlaw(signature, exchange)).toBe('chat_response');
        expect(chatSignatureFlaw(signature, { ...exchange, response: Buffer.from('{"id":"chat-2"}') })).toBe(
            'chat_response',
        );
    });

    it('does not hold for another request, response, signer or text', async () => {
        const good = `${sha256(request)}:${sha256(response)}`;
        expect(chatSignatureFlaw(await signed(`${sha256('x')}:${sha256(response)}`), exchange)).toBe('chat_request');
        expect(chatSignatureFlaw(await signed(`${sha256(request)}:${sha256('x')}`), exchange)).toBe('chat_response');
        expect(chatSignatureFlaw(await signed('hello'), exchange)).toBe('chat_text');
        expect(chatSignatureFlaw(await signed(good, Wallet.createRandom() as unknown as Wallet), exchange)).toBe(
            'chat_signer',
        );
        const claimed = { ...(await signed(good)), signature: await Wallet.createRandom().signMessage(good) };
        expect(chatSignatureFlaw(claimed, exchange)).toBe('chat_signature');
        const malformed = { ...(await signed(good)), signature: `0x${'ff'.repeat(65)}` };
        expect(chatSignatureFlaw(malformed, exchange)).toBe('chat_signature');
    });

    it('is read from the documented form alone, by a typed error for any other', async () => {
        expect(parseChatSignature(JSON.parse(JSON.stringify(await signed('a'))))).toMatchObject({ text: 'a' });
        fc.assert(
            fc.property(fc.oneof(fc.jsonValue(), fc.record({ text: fc.string(), signature: fc.string() })), (json) => {
                expect(() => parseChatSignature(json)).toThrow(AttestationError);
            }),
            { numRuns: 100 },
        );
    });

    it('never throws, whatever was signed', () => {
        const digits = (length: number) =>
            fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
        fc.assert(
            fc.property(fc.string({ maxLength: 200 }), digits(130), digits(40), (text, signature, address) => {
                const given = { text, signature: `0x${signature}`, signing_address: `0x${address}` };
                expect(chatSignatureFlaw(parseChatSignature(given), exchange)).not.toBeNull();
            }),
            { numRuns: 100 },
        );
    });
});

describe('the spelling of Python', () => {
    it('says the same as the compact one, and any other change shows', () => {
        fc.assert(
            fc.property(fc.json(), (json) => {
                const compact = JSON.stringify(JSON.parse(json));
                const spelled = pythonSpelling(compact)!;
                expect(JSON.parse(spelled)).toEqual(JSON.parse(compact));
                expect(spelled).toMatch(/^[\x00-\x7f]*$/);
            }),
            { numRuns: 300 },
        );
    });

    it('is none for what is not JSON', () => {
        expect(pythonSpelling('{"a":')).toBeUndefined();
        expect(pythonSpelling('')).toBeUndefined();
    });
});
