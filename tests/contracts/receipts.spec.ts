import { verify, createPublicKey } from 'node:crypto';
import { beginCell } from '@ton/core';
import {
    buildSettlementLines,
    Cap,
    capDigest,
    decodeReceiptTail,
    encodeReceiptTail,
    parseSettlementLines,
    Receipt,
    receiptDigest,
    receiptReference,
    SettlementLine,
    StatementError,
} from '../../wrappers';
import vectors from '../vectors/receipts.json';

type Vector = (typeof vectors.cases)[number];

const bytes = (hex: string) => Buffer.from(hex, 'hex');

function receiptOf(vector: Vector): Receipt {
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

function capOf(vector: Vector): Cap {
    return {
        network: bytes(vector.network),
        escrow: bytes(vector.escrow),
        epoch: vector.epoch,
        nodeKey: bytes(vector.nodeKey),
        cumulativeNano: BigInt(vector.capCumulativeNano),
        requestHash: bytes(vector.requestHash),
    };
}

function lineOf(vector: Vector): SettlementLine {
    return {
        receipt: receiptOf(vector),
        nodeSignature: bytes(vector.nodeSignature),
        cap: capOf(vector),
        capSignature: bytes(vector.capSignature),
    };
}

function isSigned(digest: Buffer, signature: Buffer, publicKey: Buffer): boolean {
    const key = createPublicKey({
        key: Buffer.concat([bytes('302a300506032b6570032100'), publicKey]),
        format: 'der',
        type: 'spki',
    });
    return verify(null, digest, key, signature);
}

const codeOf = (act: () => unknown) => {
    try {
        act();
    } catch (error) {
        return error instanceof StatementError ? error.code : error;
    }
    return 'no error';
};

describe.each(vectors.cases)('the $name vector', (vector) => {
    it('gives the receipt its bytes, digest and signature', () => {
        const receipt = receiptOf(vector);
        expect(encodeReceiptTail(receipt).toString('hex')).toBe(vector.receiptTail);
        expect(receiptDigest(receipt).toString('hex')).toBe(vector.receiptDigest);
        expect(isSigned(receiptDigest(receipt), bytes(vector.nodeSignature), receipt.nodeKey)).toBe(true);
    });

    it('gives the cap its digest and signature', () => {
        expect(capDigest(capOf(vector)).toString('hex')).toBe(vector.capDigest);
        expect(isSigned(capDigest(capOf(vector)), bytes(vector.capSignature), bytes(vector.sessionKey))).toBe(true);
    });

    it('gives the reference', () => {
        const reference = receiptReference({
            requestHash: bytes(vector.requestHash),
            offerHash: bytes(vector.offerHash),
            usageHash: bytes(vector.usageHash),
            transcriptHash: bytes(vector.transcriptHash),
        });
        expect(reference.toString('hex')).toBe(vector.reference);
    });

    it('survives decoding', () => {
        expect(encodeReceiptTail(decodeReceiptTail(bytes(vector.receiptTail))).toString('hex')).toBe(
            vector.receiptTail,
        );
    });

    it('survives a settlement cell', () => {
        const [parsed] = parseSettlementLines(buildSettlementLines([lineOf(vector)]));
        expect(encodeReceiptTail(parsed!.receipt).toString('hex')).toBe(vector.receiptTail);
        expect(parsed!.cap.cumulativeNano).toBe(BigInt(vector.capCumulativeNano));
        expect(parsed!.capSignature.toString('hex')).toBe(vector.capSignature);
    });
});

describe('builders refuse', () => {
    const vector = vectors.cases[0]!;
    const receipt = receiptOf(vector);

    it.each<[string, Partial<Receipt>, string]>([
        ['a negative amount', { costNano: -1n }, 'statement_out_of_range'],
        ['an amount of 97 bits', { cumulativeNano: 1n << 96n }, 'statement_out_of_range'],
        ['a sequence of 33 bits', { sequence: 2 ** 32 }, 'statement_out_of_range'],
        ['a fractional sequence', { sequence: 0.5 }, 'statement_out_of_range'],
        ['an epoch below zero', { epoch: -1 }, 'statement_out_of_range'],
        ['a short key', { nodeKey: Buffer.alloc(31) }, 'statement_wrong_length'],
        ['a long reference', { reference: Buffer.alloc(33) }, 'statement_wrong_length'],
        ['text for a key', { sessionKey: 'ab'.repeat(16) as unknown as Buffer }, 'statement_field_invalid'],
    ])('%s', (_, change, code) => {
        expect(codeOf(() => receiptDigest({ ...receipt, ...change }))).toBe(code);
    });

    it('a tail of another length', () => {
        expect(codeOf(() => decodeReceiptTail(Buffer.alloc(123)))).toBe('statement_wrong_length');
    });

    it('no lines, more than ten, and a cap for another node', () => {
        const line = lineOf(vector);
        expect(codeOf(() => buildSettlementLines([]))).toBe('settlement_empty');
        expect(codeOf(() => buildSettlementLines(Array(11).fill(line)))).toBe('settlement_too_many_lines');
        expect(buildSettlementLines(Array(10).fill(line))).toBeDefined();
        const foreign = { ...line, cap: { ...line.cap, nodeKey: Buffer.alloc(32) } };
        expect(codeOf(() => buildSettlementLines([foreign]))).toBe('statement_field_invalid');
    });

    it('to parse a padded line or an eleventh', () => {
        const line = buildSettlementLines([lineOf(vector)]);
        const padded = beginCell().storeSlice(line.beginParse()).storeUint(0, 1).endCell();
        expect(codeOf(() => parseSettlementLines(padded))).toBe('settlement_malformed');
        const ten = buildSettlementLines(Array(10).fill(lineOf(vector)));
        const eleven = beginCell().storeSlice(line.beginParse()).storeRef(ten).endCell();
        expect(codeOf(() => parseSettlementLines(eleven))).toBe('settlement_too_many_lines');
        expect(parseSettlementLines(ten)).toHaveLength(10);
    });
});
