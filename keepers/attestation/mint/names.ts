import { oid } from '../parse/oids';
import { oidBytes, printableString, sequence, set, utf8String } from './der-writer';

/** A distinguished name in the order and with the string types of Intel's: CN, O, L, ST in UTF-8, C printable. */
export function intelDistinguishedName(commonName: string): Buffer {
    const attribute = (id: string, value: Buffer) => set(sequence(oidBytes(id), value));
    return sequence(
        attribute(oid.commonName, utf8String(commonName)),
        attribute(oid.organizationName, utf8String('Intel Corporation')),
        attribute(oid.localityName, utf8String('Santa Clara')),
        attribute(oid.stateOrProvinceName, utf8String('CA')),
        attribute(oid.countryName, printableString('US')),
    );
}
