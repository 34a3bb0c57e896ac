import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { bitString, boolean, element, intelName, integer, octets, oid, sequence, utcTime } from './der';

export interface KeyPair {
    /** r | s over SHA-256 of the bytes */
    sign: (bytes: Buffer) => Buffer;
    /** x | y */
    point: Buffer;
}

export function createKeyPair(): KeyPair {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    return {
        sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
        point: Buffer.concat([Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')]),
    };
}

export function signRaw(key: KeyPair, bytes: Buffer): Buffer {
    return key.sign(bytes);
}

export interface CertificateOptions {
    subject: string;
    issuer: string;
    key: KeyPair;
    issuerKey: KeyPair;
    notBeforeSec: number;
    notAfterSec: number;
    extensions: Buffer[];
    /** replaces the default, version 3 */
    version?: Buffer;
    serial?: Buffer;
    /** replaces the SubjectPublicKeyInfo built from `key` */
    publicKeyInfo?: Buffer;
}

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

export function publicKeyInfo(point: Buffer): Buffer {
    return sequence(
        sequence(oid('2a8648ce3d0201'), oid('2a8648ce3d030107')),
        bitString(Buffer.concat([Buffer.from([4]), point])),
    );
}

export function extension(oidHex: string, value: Buffer, critical = false): Buffer {
    return sequence(oid(oidHex), ...(critical ? [boolean()] : []), octets(value));
}

const someKeyIdentifier = (label: string): Buffer => createHash('sha1').update(label).digest();
const authorityKeyIdentifier = extension('551d23', sequence(element(0x80, someKeyIdentifier('authority'))));
const subjectKeyIdentifier = extension('551d0e', octets(someKeyIdentifier('subject')));

/** Extensions of a PCK CA as Intel writes them. */
export function caExtensions(): Buffer[] {
    return [
        authorityKeyIdentifier,
        subjectKeyIdentifier,
        extension('551d0f', Buffer.from('03020106', 'hex'), true),
        extension('551d13', Buffer.from('30060101ff020100', 'hex'), true),
    ];
}

/** Extensions of a PCK certificate; Intel's own one (PPID, TCB components, PCE id, FMSPC, type, instance, configuration) comes last. */
export function leafExtensions(ppid: Buffer): Buffer[] {
    return [
        authorityKeyIdentifier,
        subjectKeyIdentifier,
        extension('551d0f', Buffer.from('030206c0', 'hex'), true),
        extension('551d13', Buffer.from('3000', 'hex'), true),
        intelExtension(ppid),
    ];
}

const intelOid = (suffix: string): Buffer => oid(`2a864886f84d010d01${suffix}`);

/** @param svns INTEGERs of components, by number, in the place of the usual ones; 17 is the PCE's */
export function intelExtension(ppid: Buffer, svns: Record<number, Buffer> = {}): Buffer {
    const svn = (index: number) => svns[index] ?? integer(Buffer.from([index * 12]));
    const component = (index: number) => sequence(intelOid(`02${byte(index)}`), svn(index));
    const tcb = sequence(
        intelOid('02'),
        sequence(
            ...Array.from({ length: 17 }, (_, index) => component(index + 1)),
            sequence(intelOid('0212'), octets(Buffer.alloc(16, 3))),
        ),
    );
    const fields = [
        sequence(intelOid('01'), octets(ppid)),
        tcb,
        sequence(intelOid('03'), octets(Buffer.alloc(2))),
        sequence(intelOid('04'), octets(Buffer.from('b0c06f000000', 'hex'))),
        sequence(intelOid('05'), element(0x0a, Buffer.from([1]))),
    ];
    return extension('2a864886f84d010d01', sequence(...fields));
}

function byte(value: number): string {
    return value.toString(16).padStart(2, '0');
}

/** DER of a certificate. */
export function mintCertificate(options: CertificateOptions): Buffer {
    const tbs = sequence(
        options.version ?? Buffer.from('a003020102', 'hex'),
        integer(options.serial ?? someKeyIdentifier(options.subject)),
        ecdsaWithSha256,
        intelName(options.issuer),
        sequence(utcTime(options.notBeforeSec), utcTime(options.notAfterSec)),
        intelName(options.subject),
        options.publicKeyInfo ?? publicKeyInfo(options.key.point),
        element(0xa3, sequence(...options.extensions)),
    );
    const signature = signRaw(options.issuerKey, tbs);
    const pair = sequence(integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
    return sequence(tbs, ecdsaWithSha256, bitString(pair));
}
