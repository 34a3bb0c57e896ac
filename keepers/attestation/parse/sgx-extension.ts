import { DerReader, derTag, readSequence, smallInteger, type DerElement } from './der';
import { FormatError, requireFormat } from './format-error';
import { oid } from './oids';

/** What Intel's extension of a PCK certificate says about the platform. */
export interface PlatformFacts {
    /** Platform provisioning id, 16 bytes. */
    ppid: Buffer;
    /** Family-model-stepping-platform-custom SKU, 6 bytes. */
    fmspc: Buffer;
    /** 2 bytes. */
    pceId: Buffer;
    /** The 16 SGX component SVNs, 0..255 each. */
    components: number[];
    pceSvn: number;
}

const componentCount = 16;

export function parseSgxExtension(value: Buffer): PlatformFacts {
    const items = itemsOf(readSequence(value), oid.sgxExtension);
    const tcb = itemsOf(new DerReader(required(items, '02', derTag.sequence)), `${oid.sgxExtension}02`);
    return {
        ppid: sized(required(items, '01', derTag.octetString), 16),
        fmspc: sized(required(items, '04', derTag.octetString), 6),
        pceId: sized(required(items, '03', derTag.octetString), 2),
        components: Array.from({ length: componentCount }, (_, i) => componentSvn(tcb, i + 1)),
        pceSvn: pceSvnOf(tcb),
    };
}

type Items = Map<string, DerElement>;

/** The (id, value) pairs of one level, by what follows `prefix` in their id. */
function itemsOf(list: DerReader, prefix: string): Items {
    const items: Items = new Map();
    while (!list.done) {
        const item = new DerReader(list.read(derTag.sequence).content);
        const id = item.read(derTag.oid).content.toString('hex');
        requireFormat(id.startsWith(prefix), 'foreign id in the SGX extension');
        const suffix = id.slice(prefix.length);
        requireFormat(!items.has(suffix), 'id given twice in the SGX extension');
        items.set(suffix, item.readAny());
        item.end();
    }
    return items;
}

function required(items: Items, suffix: string, tag: number): Buffer {
    const item = items.get(suffix);
    if (item === undefined || item.tag !== tag) {
        throw new FormatError(`SGX extension lacks item ${suffix}`);
    }
    return item.content;
}

function sized(content: Buffer, length: number): Buffer {
    requireFormat(content.length === length, `SGX extension item is not ${length} bytes`);
    return content;
}

function componentSvn(tcb: Items, number: number): number {
    const svn = smallInteger(required(tcb, number.toString(16).padStart(2, '0'), derTag.integer));
    requireFormat(svn <= 0xff, 'SGX component SVN above 255');
    return svn;
}

function pceSvnOf(tcb: Items): number {
    const svn = smallInteger(required(tcb, '11', derTag.integer));
    requireFormat(svn <= 0xffff, 'PCE SVN above 65535');
    return svn;
}
