import { createHash } from 'node:crypto';
import { extension } from '../../mint/certificates';
import { der, integer, octetString, oidBytes, sequence } from '../../mint/der-writer';
import type { SigningKey } from '../../mint/signing-key';
import type { GpuArchitecture } from '../evidence-document';
import { diceOid } from '../parse/dice';
import { issueGpuCertificate, type GpuCertificate, type GpuCertificateChanges, type GpuPki } from './gpu-pki';

/** One GPU of a development network. */
export interface DevelopmentGpu {
    architecture: GpuArchitecture;
    /** Leaf first. */
    chain: GpuCertificate[];
    /** Digest of its firmware, 48 bytes. */
    fwid: Buffer;
}

export interface GpuDeviceOptions {
    /** GPUs of different names are different devices. */
    name?: string;
    architecture?: GpuArchitecture;
    /** What the GPU boots: another version is another leaf key of the same device. */
    firmware?: string;
    /** Operational flags of Blackwell's TCB info, first byte; not configured (0x80) on real ones. */
    diceFlags?: number;
    device?: GpuCertificateChanges;
    leaf?: GpuCertificateChanges;
    /** In place of the certificate's own DICE extension, or null for none. */
    dice?: Buffer | null;
}

const sha384 = '608648016503040202';

/** Issues a GPU's two certificates: the device key burnt in, and the key of the firmware that runs. */
export function createGpu(pki: GpuPki, options: GpuDeviceOptions = {}): DevelopmentGpu {
    const { name = 'gpu', architecture = 'HOPPER', firmware = '1' } = options;
    const { chip, identity, provisioner } = pki.chips[architecture];
    const device = issueGpuCertificate(pki, {
        subject: `${chip} A01 GSP BROM`,
        label: `device ${chip} ${name}`,
        isCa: true,
        keyUsage: 0x04,
        ...withIssuer(options.device, provisioner),
    });
    const fwid = createHash('sha384').update(`cocoon development firmware ${chip} ${firmware}`).digest();
    const dice =
        options.dice === undefined ? diceExtension(architecture, device.key, { fwid, ...options }) : options.dice;
    const leaf = issueGpuCertificate(pki, {
        subject: `${chip} A01 GSP FMC LF`,
        label: `firmware ${chip} ${name} ${firmware}`,
        isCa: false,
        keyUsage: 0x80,
        extensions: dice === null ? [] : [dice],
        ...withIssuer(options.leaf, device),
    });
    return { architecture, chain: [leaf, device, provisioner, identity, pki.root], fwid };
}

/** A change may name another issuer in words; the signer stays. */
function withIssuer({ issuer, ...changes }: GpuCertificateChanges = {}, signer: GpuCertificate) {
    return { ...changes, issuer: issuer === undefined ? signer : { ...signer, name: issuer } };
}

function diceExtension(
    architecture: GpuArchitecture,
    deviceKey: SigningKey,
    { fwid, diceFlags = 0x80 }: { fwid: Buffer; diceFlags?: number },
): Buffer {
    const id = sequence(oidBytes(sha384), octetString(fwid));
    if (architecture === 'HOPPER') {
        return extension(diceOid.compositeDeviceId, sequence(integer(1), deviceKey.spki, id));
    }
    const flags = der(0x87, Buffer.from([0, diceFlags, 0, 0, 1]));
    return extension(diceOid.tcbInfo, sequence(der(0x80, Buffer.from('NVIDIA')), der(0xa6, id), flags));
}
