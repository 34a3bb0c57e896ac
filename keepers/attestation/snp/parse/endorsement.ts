import type { Extension } from '../../parse/certificate';
import { DerReader, derTag, smallInteger } from '../../parse/der';
import { FormatError, requireFormat } from '../../parse/format-error';
import { patchLevelNumber, partsOf, type TcbPart, type TcbVersion } from '../tcb';
import type { Product } from '../product';
import { amdOid } from './oids';

/** What AMD says, in the certificate of an endorsement key, of the chip or provider and firmware that the key is derived for. */
export interface EndorsementFacts {
    productName: string;
    tcb: TcbVersion;
    /** Of a VCEK: the chip, 64 bytes or 8. */
    hardwareId: Buffer | null;
    /** Of a VLEK: the cloud provider. */
    cspId: string | null;
}

const ia5String = 0x16;

export function parseEndorsement(extensions: Map<string, Extension>, product: Product): EndorsementFacts {
    const value = (id: string): Buffer | null => extensions.get(id)?.value ?? null;
    return {
        productName: text(required(value(amdOid.productName), 'product name')),
        tcb: Object.fromEntries(partsOf(product.line).map((part) => [part, patchLevel(part, value)])),
        hardwareId: hardwareIdOf(value(amdOid.hardwareId), product),
        cspId: cspIdOf(value(amdOid.cspId)),
    };
}

function required(value: Buffer | null, what: string): Buffer {
    if (value === null) {
        throw new FormatError(`no ${what}`);
    }
    return value;
}

function patchLevel(part: TcbPart, value: (id: string) => Buffer | null): number {
    const content = whole(required(value(amdOid.securityPatchLevel(patchLevelNumber[part])), `level of ${part}`));
    requireFormat(content.tag === derTag.integer, `level of ${part} is not an INTEGER`);
    const level = smallInteger(content.content);
    requireFormat(level <= 0xff, `level of ${part} above 255`);
    return level;
}

/** The bare bytes in older certificates, an OCTET STRING of them in newer ones: the length tells which. */
function hardwareIdOf(value: Buffer | null, { chipIdLength }: Product): Buffer | null {
    if (value === null || value.length === chipIdLength) {
        return value;
    }
    const { tag, content } = whole(value);
    requireFormat(tag === derTag.octetString && content.length === chipIdLength, 'hardware id of another length');
    return content;
}

function cspIdOf(value: Buffer | null): string | null {
    return value === null ? null : text(value);
}

function text(value: Buffer): string {
    const { tag, content } = whole(value);
    requireFormat(tag === ia5String || tag === derTag.utf8String, 'not a string');
    requireFormat(
        content.length <= 128 && content.every((byte) => byte >= 0x20 && byte < 0x7f),
        'string that is not short ASCII',
    );
    return content.toString('latin1');
}

function whole(value: Buffer): { tag: number; content: Buffer } {
    const reader = new DerReader(value);
    const element = reader.readAny();
    reader.end();
    return element;
}
