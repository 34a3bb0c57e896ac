import type { Collateral } from '../collateral-shape';
import type { QeIdentity, TcbInfo } from '../parse/signed-json';
import { toPem } from './certificates';
import { mintCrl, type CrlSpec } from './crl';
import type { DevelopmentPki, DevelopmentPlatform, MintedCertificate } from './pki';
import { qeIdentityOf, tcbInfoOf, type TextOptions } from './signed-texts';

export interface CollateralOptions extends Partial<TextOptions> {
    /** Last changes to the texts before they are signed. */
    changeTcbInfo?: (info: TcbInfo) => unknown;
    changeQeIdentity?: (identity: QeIdentity) => unknown;
    /** Last changes to the revocation lists before they are signed. */
    rootCrl?: Partial<CrlSpec>;
    pckCrl?: Partial<CrlSpec>;
}

const dayMs = 24 * 3600 * 1000;

/** Collateral for a platform, in force for 30 days as Intel's (the root's list for a year). */
export function mintCollateral(
    pki: DevelopmentPki,
    platform: DevelopmentPlatform,
    options: CollateralOptions = {},
): Collateral {
    const issueDate = options.issueDate ?? new Date(pki.now.getTime() - dayMs);
    const nextUpdate = options.nextUpdate ?? new Date(issueDate.getTime() + 31 * dayMs);
    const text: TextOptions = {
        tee: 'tdx',
        evaluationNumber: 18,
        platformStatus: 'UpToDate',
        moduleStatus: 'UpToDate',
        qeStatus: 'UpToDate',
        advisoryIds: [],
        ...options,
        issueDate,
        nextUpdate,
    };
    const tcbInfo = change(tcbInfoOf(platform.facts, text), options.changeTcbInfo);
    const qeIdentity = change(qeIdentityOf(text), options.changeQeIdentity);
    const signerChain = toPem([pki.tcbSigner.der, pki.root.der]);
    return {
        pck_crl_issuer_chain: toPem([platform.authority.der, pki.root.der]),
        root_ca_crl: crlHex(pki.root, { thisUpdate: issueDate, nextUpdate: inAYear(issueDate), ...options.rootCrl }),
        pck_crl: crlHex(platform.authority, { thisUpdate: issueDate, nextUpdate, ...options.pckCrl }),
        tcb_info_issuer_chain: signerChain,
        tcb_info: tcbInfo,
        tcb_info_signature: pki.tcbSigner.key.sign(Buffer.from(tcbInfo)).toString('hex'),
        qe_identity_issuer_chain: signerChain,
        qe_identity: qeIdentity,
        qe_identity_signature: pki.tcbSigner.key.sign(Buffer.from(qeIdentity)).toString('hex'),
    };
}

function inAYear(date: Date): Date {
    return new Date(date.getTime() + 380 * dayMs);
}

/** A change may edit the object in place or return another value, text included. */
function change<T>(value: T, edit: ((value: T) => unknown) | undefined): string {
    const changed = edit?.(value) ?? value;
    return typeof changed === 'string' ? changed : JSON.stringify(changed);
}

function crlHex(
    issuer: MintedCertificate,
    spec: Pick<CrlSpec, 'thisUpdate' | 'nextUpdate'> & Partial<CrlSpec>,
): string {
    return mintCrl({ issuer: issuer.name, issuerKey: issuer.key, revokedSerials: [], ...spec }).toString('hex');
}
