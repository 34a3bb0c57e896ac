import { requireFormat } from '../../parse/format-error';
import { ByteCursor } from './byte-cursor';

/** Field numbers of the opaque data in a GPU's measurement response, as NVIDIA's attestation SDK names them. */
export const opaqueField = {
    driverVersion: 3,
    vbiosVersion: 6,
    board: 14,
    chipSku: 15,
    project: 17,
    projectSku: 18,
    fwid: 20,
    protectedPcie: 21,
    opaqueDataVersion: 34,
    featureFlag: 36,
} as const;

/** How GPUs are passed to the guest: one alone, several over encrypted links, several behind switches in the guest. */
export type GpuFeature = 'single' | 'multi' | 'protected-pcie';

export interface OpaqueData {
    driverVersion: string;
    /** As NVIDIA writes it: 96.00.9F.00.01. */
    vbiosVersion: string;
    /** Digest of the firmware's first mutable code, SHA-384; null where the firmware does not tell. */
    fwid: Buffer | null;
    /** Null where the firmware does not tell. */
    feature: GpuFeature | null;
}

const features: readonly GpuFeature[] = ['single', 'multi', 'protected-pcie'];
const maxFields = 64;
/** NVIDIA's newer framing starts so: magic, then profile, version and a wider field header. */
const magic = Buffer.from('NVDAOD', 'latin1');

/** type:2 | size:2 | data, repeated. A field given twice is refused: readers would differ on which counts. */
export function parseOpaqueData(bytes: Buffer): OpaqueData {
    requireFormat(!bytes.subarray(0, magic.length).equals(magic), 'opaque data of the NVDAOD framing is not supported');
    const fields = new Map<number, Buffer>();
    const cursor = new ByteCursor(bytes, 'opaque data');
    while (!cursor.done) {
        const type = cursor.uint(2);
        requireFormat(!fields.has(type) && fields.size < maxFields, 'opaque data repeats a field or has too many');
        fields.set(type, cursor.take(cursor.uint(2)));
    }
    const fwid = fields.get(opaqueField.fwid) ?? null;
    requireFormat(fwid === null || fwid.length === 48, 'FWID is not of 48 bytes');
    return {
        driverVersion: textOf(fields.get(opaqueField.driverVersion)),
        vbiosVersion: vbiosVersionOf(fields.get(opaqueField.vbiosVersion)),
        fwid,
        feature: featureOf(fields.get(opaqueField.featureFlag), fields.get(opaqueField.protectedPcie)),
    };
}

function textOf(field: Buffer | undefined): string {
    const text = field?.toString('latin1').replace(/\0+$/, '') ?? '';
    requireFormat(/^[0-9A-Za-z._-]{1,32}$/.test(text), 'driver version missing or malformed');
    return text;
}

/** Eight bytes: 00 A5 00 96 01 .. is shown as 96.00.A5.00.01. */
function vbiosVersionOf(field: Buffer | undefined): string {
    requireFormat(field?.length === 8, 'VBIOS version missing or malformed');
    return [3, 2, 1, 0, 4].map((at) => field.toString('hex', at, at + 1).toUpperCase()).join('.');
}

/** Newer firmware has a flag; older says only whether it is behind protected switches (0xaa) or not (0x55). */
function featureOf(flag: Buffer | undefined, protectedPcie: Buffer | undefined): GpuFeature | null {
    if (flag !== undefined) {
        requireFormat(flag.length >= 1 && flag.length <= 4, 'feature flag malformed');
        const feature = features[flag.readUIntLE(0, flag.length)];
        requireFormat(feature !== undefined, 'unknown feature flag');
        return feature;
    }
    if (protectedPcie === undefined) return null;
    requireFormat(protectedPcie.length === 1, 'protected-PCIe status malformed');
    requireFormat(protectedPcie[0] === 0xaa || protectedPcie[0] === 0x55, 'unknown protected-PCIe status');
    return protectedPcie[0] === 0xaa ? 'protected-pcie' : null;
}
