import {
    createPlatform,
    mintCollateral,
    type CheckCode,
    type Collateral,
    type MintedEvidence,
    type VerifyOptions,
} from '../../../keepers/attestation';
import { mintCertificate, toPem } from '../../../keepers/attestation/mint/certificates';
import { SigningKey } from '../../../keepers/attestation/mint/signing-key';
import { developmentPki, judge, now, onPlatform, pki, reportData, seed, sgx, tdx } from './development-evidence';

/** Evidence with one thing wrong, and how it is judged where that is what is wrong. */
export interface Flaw {
    evidence: Pick<MintedEvidence, 'quote' | 'collateral'>;
    options: Partial<VerifyOptions>;
}

const flaw = (evidence: Flaw['evidence'], options: Flaw['options'] = {}): Flaw => ({ evidence, options });

const stranger = new SigningKey(Buffer.alloc(32, 99), 'stranger');
const past = new Date(now.getTime() - 10 * 24 * 3600 * 1000);
const recently = new Date(now.getTime() - 1000);
const platform = createPlatform(pki);
const elsewhere = createPlatform(pki, { name: 'elsewhere' });
const zeros = Buffer.alloc(64);

/** As Intel writes dates. */
const isoSeconds = (date: Date) => date.toISOString().replace('.000Z', 'Z');

/** Good evidence with one part of its collateral replaced. */
function withCollateral(change: Partial<Record<keyof Collateral, unknown>>): Flaw {
    const { quote, collateral } = tdx();
    return flaw({ quote, collateral: { ...collateral, ...change } as Collateral });
}

const expiredSigner = mintCollateral(
    developmentPki({ tcbSigner: { notAfter: recently } }),
    platform,
).tcb_info_issuer_chain;

/** Good evidence whose QE identity is signed by a second, revoked, TCB signing certificate. */
function withRevokedQeSigner(): Flaw {
    const { quote, collateral } = tdx({
        collateral: { rootCrl: { revokedSerials: [pki.processorCa.serial, secondSerial] } },
    });
    const key = new SigningKey(seed, 'second signer');
    const der = mintCertificate({
        serial: secondSerial,
        subject: 'Intel SGX TCB Signing',
        issuer: 'Intel SGX Root CA',
        notBefore: past,
        notAfter: new Date(now.getTime() + 1000),
        key,
        issuerKey: pki.root.key,
        pathLength: null,
        crlUrl: 'https://example.org/crl',
    });
    return flaw({
        quote,
        collateral: {
            ...collateral,
            qe_identity_issuer_chain: toPem([der, pki.root.der]),
            qe_identity_signature: key.sign(Buffer.from(collateral.qe_identity)).toString('hex'),
        },
    });
}

const secondSerial = Buffer.alloc(20, 0x55);

function svn(...bytes: number[]): Buffer {
    return Buffer.concat([Buffer.from(bytes), Buffer.alloc(16 - bytes.length)]);
}

const little16 = (value: number) => Buffer.from([value & 0xff, value >> 8]);
const genuine = (change: Parameters<typeof tdx>[0]) => () => flaw(tdx(change));
const outdatedModuleNow = { version: 5 as const, teeTcbSvn2: svn(0x0b, 9, 4) };

/** For each code, evidence with that one flaw. Minted here: a clone without the real vectors proves as much. */
export const flaws: Record<Exclude<CheckCode, 'internal_error'>, () => Flaw> = {
    clock_invalid: () => flaw(tdx(), { at: new Date(NaN) }),
    input_too_large: () => flaw(tdx({ padTo: 64 * 1024 + 1 })),
    collateral_format: () => withCollateral({ tcb_info: undefined }),
    quote_version: genuine({ changes: { version: 6 } }),
    quote_key_type: genuine({ changes: { keyType: 3 } }),
    quote_tee_type: genuine({ changes: { teeType: 0x82 } }),
    quote_vendor: genuine({ changes: { qeVendorId: Buffer.alloc(16, 1) } }),
    quote_body_type: genuine({ version: 5, changes: { bodyTypeNumber: 1 } }),
    quote_length: () => {
        const { quote, collateral } = tdx();
        return flaw({ quote: quote.subarray(0, quote.length - 1), collateral });
    },
    quote_certification_type: genuine({ changes: { certificationType: 4 } }),
    pck_chain_encoding: genuine({ changes: { pckChain: Buffer.from('-----BEGIN CERTIFICATE-----\n') } }),
    pck_chain_root: () => flaw(tdx(), { rootPublicKey: undefined }),
    pck_chain_names: () => flaw(onPlatform({ certificate: { subject: 'Intel SGX TCB Signing' } })),
    pck_chain_constraints: () => flaw(onPlatform({ certificate: { pathLength: 0 } })),
    pck_chain_validity: () => flaw(onPlatform({ certificate: { notAfter: recently } })),
    pck_chain_signature: () => flaw(onPlatform({ certificate: { issuerKey: stranger } })),
    pck_extension: () => flaw(onPlatform({ sgxExtension: null })),
    root_crl_encoding: () => withCollateral({ root_ca_crl: '' }),
    root_crl_issuer: () => flaw(tdx({ collateral: { rootCrl: { issuer: 'Intel SGX PCK Platform CA' } } })),
    root_crl_signature: () => flaw(tdx({ collateral: { rootCrl: { issuerKey: stranger } } })),
    root_crl_dates: () => flaw(tdx({ collateral: { rootCrl: { nextUpdate: recently } } })),
    pck_ca_revoked: () => flaw(tdx({ collateral: { rootCrl: { revokedSerials: [pki.platformCa.serial] } } })),
    pck_crl_chain: () => {
        const other = mintCollateral(pki, createPlatform(pki, { authority: 'processor' }));
        return withCollateral({ pck_crl_issuer_chain: other.pck_crl_issuer_chain });
    },
    pck_crl_encoding: () => withCollateral({ pck_crl: 'not hex' }),
    pck_crl_issuer: () => flaw(tdx({ collateral: { pckCrl: { issuer: 'Intel SGX PCK Processor CA' } } })),
    pck_crl_signature: () => flaw(tdx({ collateral: { pckCrl: { issuerKey: stranger } } })),
    pck_crl_dates: () => flaw(tdx({ collateral: { pckCrl: { nextUpdate: recently } } })),
    pck_revoked: () =>
        flaw(tdx({ collateral: { pckCrl: { revokedSerials: [elsewhere.pck.serial, platform.pck.serial] } } })),
    tcb_info_chain: () => withCollateral({ tcb_info_issuer_chain: expiredSigner }),
    tcb_signer_revoked: () => flaw(tdx({ collateral: { rootCrl: { revokedSerials: [pki.tcbSigner.serial] } } })),
    tcb_info_signature: () => withCollateral({ tcb_info_signature: stranger.sign(Buffer.from('x')).toString('hex') }),
    qe_identity_chain: () => withCollateral({ qe_identity_issuer_chain: expiredSigner }),
    qe_signer_revoked: withRevokedQeSigner,
    qe_identity_signature: () => withCollateral({ qe_identity_signature: 'ab'.repeat(64) }),
    tcb_info_format: genuine({ collateral: { changeTcbInfo: () => '{"id":"TDX"' } }),
    tcb_info_id: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, id: 'SGX' }) } }),
    tcb_info_dates: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, nextUpdate: isoSeconds(past) }) } }),
    tcb_info_fmspc: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, fmspc: '00A067110000' }) } }),
    tcb_info_pce_id: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, pceId: '0001' }) } }),
    tcb_evaluation_number: () => flaw(tdx(), { policy: { minTcbEvaluationDataNumber: 19 } }),
    qe_identity_format: genuine({ collateral: { changeQeIdentity: (id) => ({ ...id, mrsigner: 'short' }) } }),
    qe_identity_id: genuine({ collateral: { changeQeIdentity: (id) => ({ ...id, id: 'QE' }) } }),
    qe_identity_dates: genuine({
        collateral: { changeQeIdentity: (id) => ({ ...id, nextUpdate: isoSeconds(past) }) },
    }),
    qe_report_signature: genuine({ changes: { qeReportSigner: stranger } }),
    qe_report_data: genuine({ changes: { qeReport: { reportData: zeros } } }),
    qe_miscselect: genuine({ changes: { qeReport: { miscSelect: Buffer.from([1, 0, 0, 0]) } } }),
    qe_attributes: genuine({ changes: { qeReport: { attributes: Buffer.alloc(16) } } }),
    qe_mrsigner: genuine({ changes: { qeReport: { mrSigner: Buffer.alloc(32) } } }),
    qe_isvprodid: genuine({ changes: { qeReport: { isvProdId: little16(1) } } }),
    qe_debug: genuine({
        changes: { qeReport: { attributes: Buffer.from('1300000000000000e700000000000000', 'hex') } },
        collateral: { changeQeIdentity: (id) => ({ ...id, attributesMask: 'F9FFFFFFFFFFFFFF0000000000000000' }) },
    }),
    qe_tcb_level: genuine({ changes: { qeReport: { isvSvn: little16(3) } } }),
    attestation_key: genuine({ changes: { attestationKey: Buffer.alloc(64, 1) } }),
    quote_signature: genuine({ changes: { quoteSigner: stranger } }),
    tdx_module_identity: genuine({ teeTcbSvn: svn(0x0b, 9, 4) }),
    tdx_module_mrsigner: genuine({ fields: { mrSignerSeam: Buffer.alloc(48, 1) } }),
    tdx_module_attributes: genuine({ fields: { seamAttributes: Buffer.from('0100000000000000', 'hex') } }),
    tcb_level: () => flaw(onPlatform({ facts: { pceSvn: 1 } })),
    tdx_module_tcb_level: genuine({ teeTcbSvn: svn(1, 1, 4) }),
    tcb_revoked: genuine({ collateral: { platformStatus: 'Revoked' } }),
    current_tdx_module_identity: genuine(outdatedModuleNow),
    current_tcb_level: genuine({ version: 5, teeTcbSvn2: svn(0x0b, 1, 0) }),
    current_tdx_module_tcb_level: genuine({ version: 5, teeTcbSvn2: svn(1, 1, 4) }),
    current_tcb_revoked: genuine({
        version: 5,
        teeTcbSvn: svn(0x0b, 1, 4),
        teeTcbSvn2: svn(3, 3, 4),
        collateral: {
            changeTcbInfo: (info) => {
                info.tdxModuleIdentities![0]!.tcbLevels[0]!.tcbStatus = 'Revoked';
            },
        },
    }),
    policy_format: () => flaw(tdx(), { policy: { statusses: [] } as never }),
    policy_tee_type: () => flaw(sgx(), { policy: { teeTypes: ['tdx'] } }),
    policy_debug: genuine({ tdAttributes: Buffer.from('0100001000000000', 'hex') }),
    policy_sept_ve_disable: () =>
        flaw(tdx({ tdAttributes: Buffer.alloc(8) }), { policy: { septVeDisable: 'required' } }),
    policy_xfam: () => flaw(tdx(), { policy: { xfam: { required: '0300000000000000', allowed: 'e700000000000000' } } }),
    policy_mr_service_td: () =>
        flaw(tdx({ version: 5, mrServiceTd: Buffer.alloc(48, 1) }), { policy: { mrServiceTd: ['0'.repeat(96)] } }),
    policy_status: genuine({ collateral: { platformStatus: 'OutOfDate' } }),
    policy_advisory: () =>
        flaw(tdx({ collateral: { platformStatus: 'SWHardeningNeeded', advisoryIds: ['INTEL-SA-00615'] } }), {
            policy: { refusedAdvisories: ['INTEL-SA-00615'] },
        }),
    policy_image: () => flaw(tdx(), { policy: { images: [{ imageId: 'ab'.repeat(32) }] } }),
    policy_report_data: () => flaw(tdx(), { claims: { bundleHash: Buffer.alloc(32) } }),
    policy_model: () => flaw(tdx(), { policy: { models: ['ab'.repeat(32)] }, claims: { modelRoot: Buffer.alloc(32) } }),
    policy_block: () => flaw(tdx(), { claims: { block: { rootHash: Buffer.alloc(32), time: now } } }),
    policy_age: () =>
        flaw(tdx(), {
            policy: { maxBlockAgeSeconds: 600 },
            claims: { block: { rootHash: reportData.subarray(32), time: new Date(now.getTime() - 601_000) } },
        }),
    policy_platform_denied: () => flaw(tdx(), { policy: { deniedPlatforms: [judge(tdx()).platformId!] } }),
};
