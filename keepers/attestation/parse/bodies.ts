import { enclaveField, fieldOf, tdField } from './quote-layout';

/** A TD report body. TD 1.5 bodies carry the SVNs of the module now running and the service TD's measurement. */
export interface TdBody {
    kind: 'td';
    teeTcbSvn: Buffer;
    teeTcbSvn2: Buffer | null;
    mrSeam: Buffer;
    mrSignerSeam: Buffer;
    seamAttributes: Buffer;
    tdAttributes: Buffer;
    xfam: Buffer;
    mrTd: Buffer;
    mrConfigId: Buffer;
    mrOwner: Buffer;
    mrOwnerConfig: Buffer;
    rtmrs: [Buffer, Buffer, Buffer, Buffer];
    reportData: Buffer;
    mrServiceTd: Buffer | null;
}

export interface EnclaveBody {
    kind: 'enclave';
    /** As the report spells it: 4 bytes, compared under a mask. */
    miscSelect: Buffer;
    attributes: Buffer;
    mrEnclave: Buffer;
    mrSigner: Buffer;
    isvProdId: number;
    isvSvn: number;
    reportData: Buffer;
}

export function readTdBody(body: Buffer): TdBody {
    const field = (name: keyof typeof tdField) => fieldOf(body, tdField[name]);
    const is15 = body.length > tdField.teeTcbSvn2[0];
    return {
        kind: 'td',
        teeTcbSvn: field('teeTcbSvn'),
        teeTcbSvn2: is15 ? field('teeTcbSvn2') : null,
        mrSeam: field('mrSeam'),
        mrSignerSeam: field('mrSignerSeam'),
        seamAttributes: field('seamAttributes'),
        tdAttributes: field('tdAttributes'),
        xfam: field('xfam'),
        mrTd: field('mrTd'),
        mrConfigId: field('mrConfigId'),
        mrOwner: field('mrOwner'),
        mrOwnerConfig: field('mrOwnerConfig'),
        rtmrs: [field('rtmr0'), field('rtmr1'), field('rtmr2'), field('rtmr3')],
        reportData: field('reportData'),
        mrServiceTd: is15 ? field('mrServiceTd') : null,
    };
}

export function readEnclaveBody(body: Buffer): EnclaveBody {
    const field = (name: keyof typeof enclaveField) => fieldOf(body, enclaveField[name]);
    return {
        kind: 'enclave',
        miscSelect: field('miscSelect'),
        attributes: field('attributes'),
        mrEnclave: field('mrEnclave'),
        mrSigner: field('mrSigner'),
        isvProdId: field('isvProdId').readUInt16LE(),
        isvSvn: field('isvSvn').readUInt16LE(),
        reportData: field('reportData'),
    };
}

/** Bit 1 of the first attribute byte: the enclave can be read by a debugger. */
export function isDebugEnclave(body: EnclaveBody): boolean {
    return (body.attributes[0]! & 0x02) !== 0;
}
