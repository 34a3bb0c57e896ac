import { sha256 } from '../../wrappers/digest';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { ConfidentialError, misuse } from './errors';
import { signatureBytes, type Signer, verifyNodeSignature } from './signing';

/** Certificates and offers are small; anything larger is refused before it is read. */
export const maxStatementBytes = 65_536;

/** b32(statement) | signature: how a certificate or an offer travels. */
export interface SignedStatement {
    statement: Buffer;
    signature: Buffer;
    /** SHA-256 of the statement: what is signed, and what others refer to */
    hash: Buffer;
}

export function signStatement(statement: Buffer, signer: Signer): Buffer {
    if (statement.length > maxStatementBytes) throw misuse(`a statement has at most ${maxStatementBytes} bytes`);
    return new ByteWriter()
        .b32('statement', statement)
        .raw(signer.sign(sha256(statement)))
        .finish();
}

/** Splits without trusting: use `verifyStatement` unless the signer's key is only known from inside. */
export function readStatement(signed: Buffer): SignedStatement {
    const reader = new ByteReader(signed, 'statement_malformed', 'signed statement');
    const length = reader.u32();
    if (length > maxStatementBytes) reader.fail(`${length} bytes are too long`);
    const statement = Buffer.from(reader.fixed(length));
    const signature = Buffer.from(reader.fixed(signatureBytes));
    reader.end();
    return { statement, signature, hash: sha256(statement) };
}

export function verifyStatement(signed: Buffer, publicKey: Buffer): SignedStatement {
    const parts = readStatement(signed);
    if (verifyNodeSignature({ publicKey, digest: parts.hash, signature: parts.signature })) return parts;
    throw new ConfidentialError('statement_signature_invalid', 'the statement is not signed by the expected key');
}

/** Whose statement it must be and when it is looked at. */
export interface StatementExpectation {
    network: Buffer;
    nodeKey: Buffer;
    nowSec: number;
}

export function checkStatementOwner(
    fields: { network: Buffer; nodeKey: Buffer },
    expected: { network: Buffer; nodeKey: Buffer },
): void {
    if (fields.network.equals(expected.network) && fields.nodeKey.equals(expected.nodeKey)) return;
    throw new ConfidentialError('statement_not_ours', 'the statement names another network or node');
}
