import { derTag, readSequence } from './der';
import { FormatError, requireFormat } from './format-error';
import { oid } from './oids';

/** The common name of a distinguished name whose every part is a single attribute, as in Intel's certificates. */
export function commonNameOf(rawName: Buffer): string {
    const parts = readSequence(rawName);
    let found: string | undefined;
    while (!parts.done) {
        const [type, value] = readAttribute(parts.read(derTag.set).content);
        if (type === oid.commonName) {
            requireFormat(found === undefined, 'two common names');
            found = value;
        }
    }
    if (found === undefined) {
        throw new FormatError('no common name');
    }
    return found;
}

function readAttribute(content: Buffer): [type: string, value: string] {
    const attribute = readSequence(content);
    const type = attribute.read(derTag.oid).content.toString('hex');
    const value = attribute.readAny();
    attribute.end();
    requireFormat(
        value.tag === derTag.utf8String || value.tag === derTag.printableString,
        'name that is neither UTF8String nor PrintableString',
    );
    return [type, value.content.toString('utf8')];
}
