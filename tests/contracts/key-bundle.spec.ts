import { beginCell, Cell } from '@ton/core';
import {
    authorizationDigest,
    decodeKeyBundle,
    encodeKeyBundle,
    KeyBundle,
    keyBundleBytes,
    keyBundleCell,
    keyBundleHash,
    parseKeyBundleCell,
    reportDataFor,
    StatementError,
} from '../../wrappers';
import vectors from '../vectors/key-bundle.json';

type Vector = (typeof vectors)[number];

function bundleOf({ bundle }: Vector): KeyBundle {
    const hex = (text: string) => Buffer.from(text, 'hex');
    return {
        network: hex(bundle.network),
        provider: hex(bundle.provider),
        role: 1,
        suite: bundle.suite as KeyBundle['suite'],
        signingKey: hex(bundle.signingKey),
        imageId: hex(bundle.imageId),
        modelRoot: hex(bundle.modelRoot),
        gpuEvidenceDigest: hex(bundle.gpuEvidenceDigest),
        mcSeqno: bundle.mcSeqno,
        mcRootHash: hex(bundle.mcRootHash),
        notAfter: bundle.notAfter,
    };
}

/** Stable code of the StatementError that the call throws. */
function codeOf(call: () => unknown): string | null {
    try {
        call();
    } catch (error) {
        return error instanceof StatementError ? error.code : String(error);
    }
    return null;
}

describe.each(vectors)('key bundle vector "$name"', (vector) => {
    const bundle = bundleOf(vector);
    const encoded = Buffer.from(vector.encoded, 'hex');

    it('encodes and decodes to the same bytes', () => {
        expect(encoded).toHaveLength(keyBundleBytes);
        expect(encodeKeyBundle(bundle)).toEqual(encoded);
        expect(decodeKeyBundle(encoded)).toEqual(bundle);
        expect(parseKeyBundleCell(keyBundleCell(bundle))).toEqual(bundle);
    });

    it('has the hashes of the vector', () => {
        const bundleHash = keyBundleHash(bundle);
        const { network, provider } = bundle;
        expect(bundleHash.toString('hex')).toBe(vector.hash);
        expect(keyBundleCell(bundle).hash().toString('hex')).toBe(vector.cellHash);
        expect(reportDataFor(bundle).toString('hex')).toBe(vector.reportData);
        expect(authorizationDigest({ network, provider, bundleHash }).toString('hex')).toBe(vector.authorizationDigest);
    });
});

describe('a key bundle', () => {
    const vector = vectors[1]!;
    const encoded = Buffer.from(vector.encoded, 'hex');

    it('is refused with a byte missing or added, another tag, version, role or suite', () => {
        expect(codeOf(() => decodeKeyBundle(encoded.subarray(1)))).toBe('statement_wrong_length');
        expect(codeOf(() => decodeKeyBundle(Buffer.concat([encoded, Buffer.alloc(1)])))).toBe('statement_wrong_length');
        for (const offset of [0, 3, 4, 5, 70]) {
            const changed = Buffer.from(encoded);
            changed[offset]! ^= 2;
            expect(codeOf(() => decodeKeyBundle(changed))).toBe('statement_field_invalid');
        }
    });

    it('is refused with a field that does not fit', () => {
        const bundle = bundleOf(vector);
        expect(codeOf(() => encodeKeyBundle({ ...bundle, notAfter: 2 ** 32 }))).toBe('statement_out_of_range');
        expect(codeOf(() => encodeKeyBundle({ ...bundle, mcSeqno: -1 }))).toBe('statement_out_of_range');
        expect(codeOf(() => encodeKeyBundle({ ...bundle, suite: 3 as 1 }))).toBe('statement_out_of_range');
        expect(codeOf(() => encodeKeyBundle({ ...bundle, signingKey: Buffer.alloc(31) }))).toBe(
            'statement_wrong_length',
        );
    });

    it('is refused with a suite that its key does not have', () => {
        const [ed25519, ethereum] = [bundleOf(vectors[1]!), bundleOf(vectors[3]!)];
        expect(codeOf(() => encodeKeyBundle({ ...ed25519, suite: 2 }))).toBe('statement_out_of_range');
        expect(codeOf(() => encodeKeyBundle({ ...ethereum, suite: 1 }))).toBe('statement_out_of_range');
        for (const bundle of [ed25519, ethereum]) {
            const changed = encodeKeyBundle(bundle);
            changed[70]! ^= 3;
            expect(codeOf(() => decodeKeyBundle(changed))).toBe('statement_field_invalid');
        }
        const barelyEd25519 = { ...ethereum, signingKey: Buffer.from(ethereum.signingKey) };
        barelyEd25519.signingKey[11] = 1;
        expect(codeOf(() => encodeKeyBundle(barelyEd25519))).toBe('statement_out_of_range');
        expect(decodeKeyBundle(encodeKeyBundle({ ...barelyEd25519, suite: 1 })).suite).toBe(1);
    });

    it('is refused from cells cut at other places', () => {
        const cut = (first: number, second: number): Cell => {
            const block = beginCell().storeBuffer(encoded.subarray(second));
            const rest = beginCell().storeBuffer(encoded.subarray(first, second)).storeRef(block);
            return beginCell().storeBuffer(encoded.subarray(0, first)).storeRef(rest).endCell();
        };
        expect(parseKeyBundleCell(cut(103, 207))).toEqual(bundleOf(vector));
        expect(codeOf(() => parseKeyBundleCell(cut(102, 207)))).toBe('statement_field_invalid');
        expect(codeOf(() => parseKeyBundleCell(cut(103, 206)))).toBe('statement_field_invalid');
        expect(codeOf(() => parseKeyBundleCell(beginCell().storeUint(1, 3).endCell()))).toBe('statement_field_invalid');
    });
});
