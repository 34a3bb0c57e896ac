import { createHash } from 'node:crypto';
import { toPem } from '../../mint/certificates';
import { derivedBytes, type SigningKey } from '../../mint/signing-key';
import type { GpuDocument, GpuEvidence } from '../evidence-document';
import { opaqueField } from '../parse/opaque-data';
import { spdm } from '../parse/spdm';
import type { DevelopmentGpu } from './gpu-device';

export interface MintGpuOptions {
    /** 32 bytes. */
    nonce: Buffer;
    driverVersion?: string;
    /** Protected-PCIe status in the form of older firmware, or a feature flag (0 single, 1 multi, 2 protected). */
    featureFlag?: number;
    ccMode?: 'on' | 'off' | null;
    devTools?: 'on' | 'off' | null;
    changes?: GpuReportChanges;
}

/** Parts of a report; changes to them make evidence that must be refused. */
export interface GpuReportChanges {
    /** In place of the firmware's digest in the opaque data; null for none. */
    fwid?: Buffer | null;
    /** In place of the document's nonce, which a report's own must equal. */
    statedNonce?: Buffer;
    /** Digest of one measurement, by index from 0. */
    measurement?: [index: number, digest: Buffer];
    /** Last change to the bytes before they are signed. */
    edit?: (report: Buffer) => Buffer;
    /** Signs in place of the firmware's key. */
    signer?: SigningKey;
    /** Of the document's entry, after all. */
    entry?: Partial<GpuEvidence>;
}

export const developmentDriverVersion = '550.90.07';
const vbios = Buffer.from('009f009601000000', 'hex');
const measurementCount = 64;

/** Evidence of a host's GPUs, in the very bytes of real ones. The same options give the same bytes. */
export function mintGpuDocument(gpus: DevelopmentGpu[], options: MintGpuOptions): GpuDocument {
    return gpus.map((gpu) => mintGpuEvidence(gpu, options));
}

export function mintGpuEvidence(gpu: DevelopmentGpu, options: MintGpuOptions): GpuEvidence {
    const { nonce, ccMode = 'on', devTools = 'off', changes = {} } = options;
    const unsigned = Buffer.concat([request(nonce), response(gpu, options)]);
    const signed = changes.edit?.(unsigned) ?? unsigned;
    const signer = changes.signer ?? gpu.chain[0]!.key;
    return {
        arch: gpu.architecture,
        certificate: Buffer.from(toPem(gpu.chain.map(({ der }) => der))).toString('base64'),
        evidence: Buffer.concat([signed, signer.sign(signed)]).toString('base64'),
        nonce: (changes.statedNonce ?? nonce).toString('hex'),
        ...(ccMode !== null && { cc_mode: ccMode }),
        ...(devTools !== null && { dev_tools: devTools }),
        ...changes.entry,
    };
}

/** What a development GPU measures with this driver: the reference values of the development network's service. */
export function developmentMeasurements(driverVersion: string): Buffer[] {
    return Array.from({ length: measurementCount }, (_, index) =>
        createHash('sha384').update(`cocoon development gpu ${driverVersion} ${index}`).digest(),
    );
}

function request(nonce: Buffer): Buffer {
    const head = [spdm.version, spdm.getMeasurements, spdm.signatureRequested, spdm.allMeasurements];
    return Buffer.concat([Buffer.from(head), nonce, Buffer.from([0])]);
}

function response(gpu: DevelopmentGpu, options: MintGpuOptions): Buffer {
    const { nonce, driverVersion = developmentDriverVersion, changes = {} } = options;
    const digests = developmentMeasurements(driverVersion);
    if (changes.measurement) digests[changes.measurement[0]] = changes.measurement[1];
    const record = Buffer.concat(digests.map(measurementBlock));
    const opaque = opaqueData(gpu, options);
    return Buffer.concat([
        Buffer.from([spdm.version, spdm.measurements, 0, 0, digests.length]),
        little(record.length, 3),
        record,
        derivedBytes(nonce, 'gpu response nonce', spdm.nonceBytes),
        little(opaque.length, 2),
        opaque,
    ]);
}

function measurementBlock(digest: Buffer, index: number): Buffer {
    const block = Buffer.concat([Buffer.from([1]), little(digest.length, 2), digest]);
    return Buffer.concat([Buffer.from([index + 1, spdm.dmtfSpecification]), little(block.length, 2), block]);
}

function opaqueData(gpu: DevelopmentGpu, options: MintGpuOptions): Buffer {
    const { driverVersion = developmentDriverVersion, featureFlag, changes = {} } = options;
    const fwid = changes.fwid === undefined ? gpu.fwid : changes.fwid;
    const fields: [type: number, data: Buffer][] = [
        [opaqueField.vbiosVersion, vbios],
        [opaqueField.driverVersion, Buffer.from(`${driverVersion}\0`, 'latin1')],
        ...(fwid === null ? [] : [[opaqueField.fwid, fwid] as [number, Buffer]]),
        featureFlag === undefined
            ? [opaqueField.protectedPcie, Buffer.from([0x55])]
            : [opaqueField.featureFlag, little(featureFlag, 2)],
    ];
    return Buffer.concat(fields.flatMap(([type, data]) => [little(type, 2), little(data.length, 2), data]));
}

function little(value: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntLE(value, 0, bytes);
    return buffer;
}
