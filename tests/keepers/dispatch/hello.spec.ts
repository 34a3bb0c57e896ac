import { ManualClock } from '../../../keepers/base';
import { issueOffer, signHello } from '../../../keepers/confidential';
import {
    checkHello,
    decodeJson,
    decodeOrphan,
    encodeOrphan,
    type Hello,
    helloSchema,
    verifyOrphan,
    requestOfOrphan,
} from '../../../keepers/dispatch';
import type { DispatchRequest } from '../../../keepers/ledger';
import { encodeKeyBundle, type KeyBundle } from '../../../wrappers';
import { bytesOf, codeOf, offerFields, stranger } from '../confidential/exchange';
import {
    finalOf,
    hub,
    keyringOf,
    network,
    node,
    nowMs,
    offer,
    opening,
    orphanOf,
    sealerOf,
    sealRequest,
} from './sealed-request';

const challenge = bytesOf('challenge');
const scope = { network, hub, challenge };
const clock = new ManualClock(nowMs);

function bundle(overrides: Partial<KeyBundle> = {}): Buffer {
    return encodeKeyBundle({
        network,
        provider: bytesOf('provider'),
        role: 1,
        suite: 1,
        signingKey: node.publicKey,
        imageId: bytesOf('image'),
        modelRoot: bytesOf('root'),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: bytesOf('block'),
        notAfter: nowMs / 1000 + 3_600,
        ...overrides,
    });
}

type Changes = Partial<Record<keyof Hello, unknown>>;

async function hello(overrides: Changes = {}): Promise<Hello> {
    const keyring = await keyringOf(node, clock);
    return {
        nodeKey: node.publicKey,
        bundle: bundle(),
        quote: Buffer.from('quote'),
        collateral: null,
        kemCertificates: keyring.certificates().map(({ signed }) => signed),
        offer: offer.signed,
        signature: signHello(scope, node),
        ...overrides,
    } as Hello;
}

test('a hello signed for this challenge is taken, with its terms', async () => {
    const greeted = checkHello(await hello(), scope, clock);
    expect(greeted).toMatchObject({ nodeKey: node.publicKey, offer: { hash: offer.hash } });
});

describe('it is refused when', () => {
    const cases: [string, () => Promise<Changes>, string][] = [
        [
            'it is signed for another challenge',
            async () => ({ signature: signHello({ ...scope, challenge: bytesOf('other') }, node) }),
            'not signed by the node key',
        ],
        [
            'it is signed for another hub',
            async () => ({ signature: signHello({ ...scope, hub: bytesOf('other') }, node) }),
            'not signed',
        ],
        ['it is signed by another key', async () => ({ signature: signHello(scope, stranger) }), 'not signed'],
        [
            'its bundle names another network',
            async () => ({ bundle: bundle({ network: bytesOf('x') }) }),
            'another network',
        ],
        [
            'its bundle names another key',
            async () => ({ bundle: bundle({ signingKey: stranger.publicKey }) }),
            'another key',
        ],
        ['its bundle is malformed', async () => ({ bundle: bundle().subarray(1) }), ''],
        ['it has no KEM certificate', async () => ({ kemCertificates: [] }), 'no KEM certificate'],
        [
            'its certificate is of another node',
            async () => ({ kemCertificates: (await keyringOf(stranger, clock)).certificates().map((c) => c.signed) }),
            '',
        ],
        ['its offer is of another node', async () => ({ offer: issueOffer(offerFields, stranger).signed }), ''],
        [
            'its offer has run out',
            async () => ({
                offer: issueOffer({ ...offerFields, issuedAtSec: 1, expiresAtSec: nowMs / 1000 - 61 }, node).signed,
            }),
            '',
        ],
    ];
    test.each(cases)('%s', async (_what, changes, words) => {
        const refusal = checkHello(await hello(await changes()), scope, clock);
        expect(typeof refusal).toBe('string');
        expect(refusal).toContain(words);
    });
});

test('a hello with more or other fields, or with too many certificates, is no hello', async () => {
    const { collateral, ...rest } = await hello();
    const json = {
        ...Object.fromEntries(
            Object.entries(rest).map(([name, value]) => [name, (value as Buffer).toString('base64')]),
        ),
        nodeKey: node.publicKey.toString('hex'),
        kemCertificates: rest.kemCertificates.map((signed) => signed.toString('base64')),
        collateral,
    };
    const read = (value: object) => decodeJson(helloSchema, Buffer.from(JSON.stringify(value)));
    expect(read(json)).toBeDefined();
    expect(read({ ...json, role: 'admin' })).toBeUndefined();
    expect(read({ ...json, nodeKey: 'zz' })).toBeUndefined();
    expect(read({ ...json, kemCertificates: Array(5).fill(json.kemCertificates[0]) })).toBeUndefined();
    expect(decodeJson(helloSchema, Buffer.from('{'))).toBeUndefined();
});

describe('an orphan', () => {
    async function orphaned() {
        const request = await sealRequest({ name: 'orphan' });
        const { envelope } = request;
        const sealer = sealerOf(request);
        opening(sealer);
        const { payload, receipt } = finalOf(sealer);
        const stored = { ...envelope.context, ...envelope, nodeKey: node.publicKey } as unknown as DispatchRequest;
        const orphan = orphanOf(request, payload);
        return { stored, orphan, receipt };
    }

    test('survives its encoding and proves its receipt without the stream', async () => {
        const { stored, orphan, receipt } = await orphaned();
        const decoded = decodeOrphan(encodeOrphan(orphan))!;
        const found = verifyOrphan(decoded, stored, { network, highestCapNano: 10n ** 9n });
        expect(found.receipt).toMatchObject({ cumulativeNano: receipt.cumulativeNano, sequence: receipt.sequence });
        expect(decoded).toEqual(orphan);
    });

    test('tells whoever has no record of it what its client signed, and for whom', async () => {
        const { orphan } = await orphaned();
        const request = requestOfOrphan(orphan, { network, nodeKey: node.publicKey });
        expect(verifyOrphan(orphan, request, { network, highestCapNano: 10n ** 9n })).toBeDefined();
        const altered = { ...orphan, cap: { ...orphan.cap, capCumulativeNano: orphan.cap.capCumulativeNano + 1n } };
        for (const [one, nodeKey] of [[altered, node.publicKey] as const, [orphan, bytesOf('other')] as const])
            expect(await codeOf(() => requestOfOrphan(one, { network, nodeKey }))).toBe('cap_invalid');
    });

    test('of another request, above every cap, or altered is refused', async () => {
        const { stored, orphan, receipt } = await orphaned();
        const scopeOf = (highestCapNano: bigint) => ({ network, highestCapNano });
        const verify = (changes: Partial<typeof orphan>, highestCapNano = 10n ** 9n) =>
            codeOf(() => verifyOrphan({ ...orphan, ...changes }, stored, scopeOf(highestCapNano)));
        expect(await verify({ requestHash: bytesOf('x') })).toBe('receipt_invalid');
        expect(await verify({ offerHash: bytesOf('x') })).toBe('receipt_invalid');
        const altered = Buffer.from(orphan.payload);
        altered[150]! ^= 1;
        expect(await verify({ payload: altered })).toBe('receipt_invalid');
        expect(await verify({}, receipt.cumulativeNano - 1n)).toBe('receipt_above_cap');
        expect(await verify({}, receipt.cumulativeNano)).toBeUndefined();
    });

    test('of a wrong length is none', async () => {
        const encoded = encodeOrphan((await orphaned()).orphan);
        expect(decodeOrphan(encoded.subarray(1))).toBeUndefined();
        expect(decodeOrphan(Buffer.concat([encoded, Buffer.alloc(1)]))).toBeUndefined();
    });
});
