import { requireFormat } from '../../parse/format-error';
import { ByteCursor } from './byte-cursor';
import { parseOpaqueData, type OpaqueData } from './opaque-data';

/** SPDM 1.1 (DMTF DSP0274): a GET_MEASUREMENTS request and its MEASUREMENTS response. */
export const spdm = {
    version: 0x11,
    getMeasurements: 0xe0,
    measurements: 0x60,
    /** Param1 of the request: sign the answer. */
    signatureRequested: 0x01,
    /** Param2 of the request: every measurement. */
    allMeasurements: 0xff,
    /** MeasurementSpecification: as DMTF defines. */
    dmtfSpecification: 0x01,
    requestBytes: 37,
    nonceBytes: 32,
    /** r | s of P-384. */
    signatureBytes: 96,
    digestBytes: 48,
} as const;

/** NVML hands out at most this. */
export const maxReportBytes = 0x2000;

export interface GpuReport {
    /** All but the signature. */
    signed: Buffer;
    signature: Buffer;
    /** The verifier's, 32 bytes: the request is signed along. */
    nonce: Buffer;
    measurements: readonly Buffer[];
    opaque: OpaqueData;
}

/** Request and response as one, with the signature at the end; every byte must be accounted for. */
export function parseGpuReport(bytes: Buffer): GpuReport {
    requireFormat(bytes.length <= maxReportBytes, 'report too long');
    const cursor = new ByteCursor(bytes, 'report');
    const nonce = readRequest(cursor);
    const { measurements, opaque } = readResponse(cursor);
    const signature = cursor.take(spdm.signatureBytes);
    cursor.end();
    return { signed: bytes.subarray(0, -spdm.signatureBytes), signature, nonce, measurements, opaque };
}

/** version:1 | code:1 | param1:1 | param2:1 | nonce:32 | slot:1. */
function readRequest(cursor: ByteCursor): Buffer {
    requireFormat(cursor.uint(1) === spdm.version, 'request is not of SPDM 1.1');
    requireFormat(cursor.uint(1) === spdm.getMeasurements, 'request is not GET_MEASUREMENTS');
    requireFormat(cursor.uint(1) === spdm.signatureRequested, 'request asks for no signature');
    requireFormat(cursor.uint(1) === spdm.allMeasurements, 'request asks for some measurements only');
    const nonce = cursor.take(spdm.nonceBytes);
    requireFormat(cursor.uint(1) === 0, 'request names another certificate slot');
    return nonce;
}

/** version:1 | code:1 | param1:1 | param2:1 | blocks:1 | length:3 | blocks | nonce:32 | opaque length:2 | opaque data. */
function readResponse(cursor: ByteCursor): { measurements: Buffer[]; opaque: OpaqueData } {
    requireFormat(cursor.uint(1) === spdm.version, 'response is not of SPDM 1.1');
    requireFormat(cursor.uint(1) === spdm.measurements, 'response is not MEASUREMENTS');
    cursor.take(2);
    const count = cursor.uint(1);
    const measurements = readMeasurements(cursor.take(cursor.uint(3)), count);
    cursor.take(spdm.nonceBytes);
    return { measurements, opaque: parseOpaqueData(cursor.take(cursor.uint(2))) };
}

/** index:1 | specification:1 | size:2 | (type:1 | size:2 | value), in order of the index, which starts at 1. */
function readMeasurements(record: Buffer, count: number): Buffer[] {
    requireFormat(count > 0, 'report without measurements');
    const cursor = new ByteCursor(record, 'measurement record');
    const values: Buffer[] = [];
    for (let index = 1; index <= count; index++) {
        requireFormat(cursor.uint(1) === index, 'measurement blocks out of order');
        requireFormat(cursor.uint(1) === spdm.dmtfSpecification, 'measurement not as DMTF defines');
        const block = new ByteCursor(cursor.take(cursor.uint(2)), 'measurement block');
        block.take(1);
        const value = block.take(block.uint(2));
        block.end();
        requireFormat(value.length === spdm.digestBytes, 'measurement is not a SHA-384 digest');
        values.push(value);
    }
    cursor.end();
    return values;
}
