import fc from 'fast-check';
import {
    decodeKemCertificate,
    decodeOffer,
    issueKemCertificate,
    issueOffer,
    type KemCertificateFields,
    readStatement,
    signHello,
    type Suite,
    verifyHello,
    verifyKemCertificate,
    verifyOffer,
} from '../../../keepers/confidential';
import { encodeKemCertificate } from '../../../keepers/confidential/kem-certificate';
import { encodeOffer } from '../../../keepers/confidential/offer';
import { signStatement } from '../../../keepers/confidential/statement';
import { bytesOf, codeOf, expectCode, flipped, network, node, nowSec, offerFields, stranger } from './exchange';

const expected = { network, nodeKey: node.publicKey, nowSec };
const certificateFields: Omit<KemCertificateFields, 'nodeKey'> = {
    suite: 2,
    network,
    kemEpoch: 3,
    notBeforeSec: nowSec - 10,
    notAfterSec: nowSec + 3600,
    publicKey: bytesOf('KEM key'),
};

const kinds = [
    {
        name: 'KEM certificate',
        signed: issueKemCertificate(certificateFields, node).signed,
        verify: verifyKemCertificate,
        decode: decodeKemCertificate,
        beginsSec: certificateFields.notBeforeSec,
        endsSec: certificateFields.notAfterSec,
    },
    {
        name: 'offer',
        signed: issueOffer(offerFields, node).signed,
        verify: verifyOffer,
        decode: decodeOffer,
        beginsSec: offerFields.issuedAtSec,
        endsSec: offerFields.expiresAtSec,
    },
];

describe.each(kinds)('$name', ({ signed, verify, decode, beginsSec, endsSec }) => {
    it('is what was signed', () => {
        const read = verify(signed, expected);
        expect(read.nodeKey).toEqual(node.publicKey);
        expect(read.hash).toEqual(readStatement(signed).hash);
        expect(read.signed).toEqual(signed);
    });

    it('is valid from a minute before it begins, for slow clocks, until its end and not a second more', async () => {
        for (const nowSec of [beginsSec - 60, endsSec - 1])
            expect(verify(signed, { ...expected, nowSec }).nodeKey).toEqual(node.publicKey);
        await expectCode('statement_not_current', () => verify(signed, { ...expected, nowSec: beginsSec - 61 }));
        await expectCode('statement_not_current', () => verify(signed, { ...expected, nowSec: endsSec }));
    });

    it('is refused from another node or for another network', async () => {
        const foreign = { ...expected, nodeKey: stranger.publicKey };
        await expectCode('statement_signature_invalid', () => verify(signed, foreign));
        await expectCode('statement_not_ours', () => verify(signed, { ...expected, network: bytesOf('elsewhere') }));
        const { statement } = readStatement(signed);
        const stolen = signStatement(statement, stranger);
        await expectCode('statement_not_ours', () => verify(stolen, foreign));
    });

    it('is refused after any bit flips', async () => {
        for (let index = 0; index < signed.length; index++) {
            const code = await codeOf(() => verify(flipped(signed, index, index % 8), expected));
            expect(['statement_malformed', 'statement_signature_invalid']).toContain(code);
        }
    });

    it('is refused when cut or continued, signed or not', async () => {
        const { statement } = readStatement(signed);
        for (let length = 0; length < statement.length; length++) {
            await expectCode('statement_malformed', () => decode(statement.subarray(0, length)));
            await expectCode('statement_malformed', () => verify(signed.subarray(0, length), expected));
        }
        const longer = signStatement(Buffer.concat([statement, Buffer.alloc(1)]), node);
        await expectCode('statement_malformed', () => verify(longer, expected));
        await expectCode('statement_malformed', () => verify(Buffer.concat([signed, Buffer.alloc(1)]), expected));
    });

    it('never crashes on other bytes', async () => {
        const { statement } = readStatement(signed);
        await fc.assert(
            fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), fc.nat(statement.length), async (noise, kept) => {
                const bytes = Buffer.concat([statement.subarray(0, kept), noise]);
                const code = await codeOf(() => decode(bytes));
                expect([undefined, 'statement_malformed']).toContain(code);
                expect(await codeOf(() => verify(bytes, expected))).toBe('statement_malformed');
            }),
            { numRuns: 200 },
        );
    });
});

describe('KEM certificate', () => {
    it.each([0, 3, 255])('does not exist for suite %p', async (suite) => {
        const fields = { ...certificateFields, nodeKey: node.publicKey, suite: suite as Suite };
        await expectCode('input_invalid', () => encodeKemCertificate(fields));
        const { statement } = readStatement(issueKemCertificate(certificateFields, node).signed);
        statement[5] = suite;
        await expectCode('statement_malformed', () => decodeKemCertificate(statement));
    });

    it('names the suite that its key has the length of', async () => {
        const { statement } = readStatement(issueKemCertificate(certificateFields, node).signed);
        statement[5] = 1;
        await expectCode('statement_malformed', () => decodeKemCertificate(statement));
        const fields = { ...certificateFields, suite: 1 as const };
        await expectCode('input_invalid', () => issueKemCertificate(fields, node));
    });

    it('does not end before it begins', async () => {
        const fields = { ...certificateFields, notAfterSec: certificateFields.notBeforeSec };
        await expectCode('input_invalid', () => issueKemCertificate(fields, node));
    });
});

describe('offer', () => {
    const amount = fc.bigInt(0n, (1n << 64n) - 1n);
    const model = fc.record({
        model: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((name) => !/\p{Cc}/u.test(name)),
        modelRoot: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
        contextLength: fc.integer({ min: 1, max: 0xffffffff }),
        inputNano: amount,
        cachedInputNano: amount,
        outputNano: amount,
        reasoningNano: amount,
        capabilities: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z.]{0,20}$/), { maxLength: 4 }),
    });
    const models = fc.uniqueArray(model, { minLength: 1, maxLength: 8, selector: (each) => each.model });

    it('reads back whatever can be written', () => {
        fc.assert(
            fc.property(models, (list) => {
                const fields = { ...offerFields, nodeKey: node.publicKey, models: list };
                expect(decodeOffer(encodeOffer(fields))).toEqual(fields);
            }),
            { numRuns: 100 },
        );
    });

    const [first, second] = offerFields.models as [(typeof offerFields.models)[0], (typeof offerFields.models)[0]];
    it.each([
        ['no model', { models: [] }],
        ['a model twice', { models: [first, { ...second, model: first.model }] }],
        ['no concurrency', { maxConcurrency: 0 }],
        ['an end before its beginning', { expiresAtSec: offerFields.issuedAtSec }],
        ['a model without context', { models: [{ ...first, contextLength: 0 }] }],
        ['a name with a line break', { models: [{ ...first, model: 'a\nb' }] }],
        ['an empty name', { models: [{ ...first, model: '' }] }],
        ['a name that is no Unicode', { models: [{ ...first, model: '\ud800' }] }],
        ['a negative price', { models: [{ ...first, inputNano: -1n }] }],
        ['a price above 64 bits', { models: [{ ...first, outputNano: 1n << 64n }] }],
        ['an odd capability', { models: [{ ...first, capabilities: ['Chat Completions'] }] }],
        ['a capability twice', { models: [{ ...first, capabilities: ['completions', 'completions'] }] }],
    ])('cannot be made with %s', async (_what, change) => {
        await expectCode('input_invalid', () => issueOffer({ ...offerFields, ...change }, node));
    });
});

describe('hello', () => {
    const hello = { network, hub: bytesOf('hub'), challenge: bytesOf('challenge') };
    const signature = signHello(hello, node);

    it('holds for this node, network, hub and challenge alone', () => {
        expect(verifyHello(hello, node.publicKey, signature)).toBe(true);
        expect(verifyHello(hello, stranger.publicKey, signature)).toBe(false);
        for (const name of ['network', 'hub', 'challenge'] as const) {
            expect(verifyHello({ ...hello, [name]: bytesOf('other') }, node.publicKey, signature)).toBe(false);
        }
    });
});
