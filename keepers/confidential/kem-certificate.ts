import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { ConfidentialError, misuse } from './errors';
import { isSuite, type Suite, suiteSizes } from './hpke';
import { type Signer } from './signing';
import {
    checkStatementOwner,
    readStatement,
    type SignedStatement,
    signStatement,
    type StatementExpectation,
    verifyStatement,
} from './statement';

/** A node's word, under its attested key, that requests may be sealed to this KEM key. */
export interface KemCertificateFields {
    suite: Suite;
    network: Buffer;
    nodeKey: Buffer;
    kemEpoch: number;
    notBeforeSec: number;
    notAfterSec: number;
    publicKey: Buffer;
}

export interface KemCertificate extends KemCertificateFields {
    /** SHA-256 of the statement */
    hash: Buffer;
    /** as it travels: b32(statement) | signature */
    signed: Buffer;
}

const version = 1;

/** How far a reader's clock may be behind the node's. The end is not stretched. */
const clockSkewSec = 60;

export function encodeKemCertificate(fields: KemCertificateFields): Buffer {
    const publicKeyBytes = isSuite(fields.suite) ? suiteSizes[fields.suite].publicKeyBytes : 0;
    if (publicKeyBytes === 0) throw misuse(`suite ${fields.suite as number} is unknown`);
    if (fields.publicKey.length !== publicKeyBytes) throw misuse(`the public key must be ${publicKeyBytes} bytes`);
    if (fields.notBeforeSec >= fields.notAfterSec) throw misuse('the certificate ends before it begins');
    return new ByteWriter()
        .tag('CKem')
        .u8('version', version)
        .u8('suite', fields.suite)
        .fixed('network', fields.network, 32)
        .fixed('nodeKey', fields.nodeKey, 32)
        .u32('kemEpoch', fields.kemEpoch)
        .u32('notBeforeSec', fields.notBeforeSec)
        .u32('notAfterSec', fields.notAfterSec)
        .b16('publicKey', fields.publicKey)
        .finish();
}

export function decodeKemCertificate(statement: Buffer): KemCertificateFields {
    const reader = new ByteReader(statement, 'statement_malformed', 'KEM certificate');
    reader.tag('CKem');
    if (reader.u8() !== version) reader.fail('unknown version');
    const suite = reader.u8();
    if (!isSuite(suite)) return reader.fail(`suite ${suite} is unknown`);
    const fields: KemCertificateFields = {
        suite,
        network: reader.fixed(32),
        nodeKey: reader.fixed(32),
        kemEpoch: reader.u32(),
        notBeforeSec: reader.u32(),
        notAfterSec: reader.u32(),
        publicKey: reader.b16(),
    };
    reader.end();
    if (fields.publicKey.length !== suiteSizes[suite].publicKeyBytes) reader.fail('the key has a wrong length');
    if (fields.notBeforeSec >= fields.notAfterSec) reader.fail('ends before it begins');
    return fields;
}

export function issueKemCertificate(fields: Omit<KemCertificateFields, 'nodeKey'>, signer: Signer): KemCertificate {
    const signed = signStatement(encodeKemCertificate({ ...fields, nodeKey: signer.publicKey }), signer);
    return fromStatement(readStatement(signed), signed);
}

/** The certificate, when the node that is expected signed it for this network and it is valid now. */
export function verifyKemCertificate(signed: Buffer, expected: StatementExpectation): KemCertificate {
    return currentOf(verifyStatement(signed, expected.nodeKey), signed, expected);
}

function currentOf(statement: SignedStatement, signed: Buffer, expected: StatementExpectation): KemCertificate {
    const certificate = fromStatement(statement, signed);
    checkStatementOwner(certificate, expected);
    const { notBeforeSec, notAfterSec } = certificate;
    requireCurrent('the KEM certificate', { fromSec: notBeforeSec, untilSec: notAfterSec }, expected.nowSec);
    return certificate;
}

/** Whether readers take what is valid from then on. What has not begun was signed while a clock was ahead. */
export function hasBegun(fromSec: number, nowSec: number): boolean {
    return fromSec <= nowSec + clockSkewSec;
}

/** @throws ConfidentialError that tells a clock which is wrong from a statement which is old */
export function requireCurrent(what: string, valid: { fromSec: number; untilSec: number }, nowSec: number): void {
    if (!hasBegun(valid.fromSec, nowSec)) {
        const message = `${what} begins ${valid.fromSec - nowSec} s from now: the clock here or the node's is wrong`;
        throw new ConfidentialError('statement_not_current', message);
    }
    if (nowSec < valid.untilSec) return;
    const message = `${what} ended ${nowSec - valid.untilSec} s ago: it was not renewed, or a clock is wrong`;
    throw new ConfidentialError('statement_not_current', message);
}

function fromStatement({ statement, hash }: SignedStatement, signed: Buffer): KemCertificate {
    return { ...decodeKemCertificate(statement), hash, signed: Buffer.from(signed) };
}
