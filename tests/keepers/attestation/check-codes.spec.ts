import {
    checkCodes,
    createPlatform,
    mintCollateral,
    verifyQuote,
    type CheckCode,
    type Collateral,
    type Verdict,
} from '../../../keepers/attestation';
import { mintCertificate, toPem } from '../../../keepers/attestation/mint/certificates';
import { SigningKey } from '../../../keepers/attestation/mint/signing-key';
import { developmentPki, judge, now, onPlatform, pki, reportData, seed, sgx, tdx } from './development-evidence';

const stranger = new SigningKey(Buffer.alloc(32, 99), 'stranger');
const past = new Date(now.getTime() - 10 * 24 * 3600 * 1000);
const recently = new Date(now.getTime() - 1000);
const platform = createPlatform(pki);
const elsewhere = createPlatform(pki, { name: 'elsewhere' });
const zeros = Buffer.alloc(64);

/** Good evidence with one part of its collateral replaced. */
function withCollateral(change: Partial<Record<keyof Collateral, unknown>>): Verdict {
    const { quote, collateral } = tdx();
    return judge({ quote, collateral: { ...collateral, ...change } as Collateral });
}

const expiredSigner = mintCollateral(
    developmentPki({ tcbSigner: { notAfter: recently } }),
    platform,
).tcb_info_issuer_chain;

/** Good evidence whose QE identity is signed by a second, revoked, TCB signing certificate. */
function withRevokedQeSigner(): Verdict {
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
    return judge({
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
const genuine = (change: Parameters<typeof tdx>[0]) => () => judge(tdx(change));
const outdatedModuleNow = { version: 5 as const, teeTcbSvn2: svn(0x0b, 9, 4) };

/** For each code, evidence with that one flaw. Minted here: a clone without the real vectors proves as much. */
const flaws: Record<CheckCode, () => Verdict> = {
    clock_invalid: () => judge(tdx(), { at: new Date(NaN) }),
    input_too_large: () => judge(tdx({ padTo: 64 * 1024 + 1 })),
    collateral_format: () => withCollateral({ tcb_info: undefined }),
    quote_version: genuine({ changes: { version: 6 } }),
    quote_key_type: genuine({ changes: { keyType: 3 } }),
    quote_tee_type: genuine({ changes: { teeType: 0x82 } }),
    quote_vendor: genuine({ changes: { qeVendorId: Buffer.alloc(16, 1) } }),
    quote_body_type: genuine({ version: 5, changes: { bodyTypeNumber: 1 } }),
    quote_length: () => {
        const { quote, collateral } = tdx();
        return judge({ quote: quote.subarray(0, quote.length - 1), collateral });
    },
    quote_certification_type: genuine({ changes: { certificationType: 4 } }),
    pck_chain_encoding: genuine({ changes: { pckChain: Buffer.from('-----BEGIN CERTIFICATE-----\n') } }),
    pck_chain_root: () => judge(tdx(), { rootPublicKey: undefined }),
    pck_chain_names: () => judge(onPlatform({ certificate: { subject: 'Intel SGX TCB Signing' } })),
    pck_chain_constraints: () => judge(onPlatform({ certificate: { pathLength: 0 } })),
    pck_chain_validity: () => judge(onPlatform({ certificate: { notAfter: recently } })),
    pck_chain_signature: () => judge(onPlatform({ certificate: { issuerKey: stranger } })),
    pck_extension: () => judge(onPlatform({ sgxExtension: null })),
    root_crl_encoding: () => withCollateral({ root_ca_crl: '' }),
    root_crl_issuer: () => judge(tdx({ collateral: { rootCrl: { issuer: 'Intel SGX PCK Platform CA' } } })),
    root_crl_signature: () => judge(tdx({ collateral: { rootCrl: { issuerKey: stranger } } })),
    root_crl_dates: () => judge(tdx({ collateral: { rootCrl: { nextUpdate: recently } } })),
    pck_ca_revoked: () => judge(tdx({ collateral: { rootCrl: { revokedSerials: [pki.platformCa.serial] } } })),
    pck_crl_chain: () => {
        const other = mintCollateral(pki, createPlatform(pki, { authority: 'processor' }));
        return withCollateral({ pck_crl_issuer_chain: other.pck_crl_issuer_chain });
    },
    pck_crl_encoding: () => withCollateral({ pck_crl: 'not hex' }),
    pck_crl_issuer: () => judge(tdx({ collateral: { pckCrl: { issuer: 'Intel SGX PCK Processor CA' } } })),
    pck_crl_signature: () => judge(tdx({ collateral: { pckCrl: { issuerKey: stranger } } })),
    pck_crl_dates: () => judge(tdx({ collateral: { pckCrl: { nextUpdate: recently } } })),
    pck_revoked: () =>
        judge(tdx({ collateral: { pckCrl: { revokedSerials: [elsewhere.pck.serial, platform.pck.serial] } } })),
    tcb_info_chain: () => withCollateral({ tcb_info_issuer_chain: expiredSigner }),
    tcb_signer_revoked: () => judge(tdx({ collateral: { rootCrl: { revokedSerials: [pki.tcbSigner.serial] } } })),
    tcb_info_signature: () => withCollateral({ tcb_info_signature: stranger.sign(Buffer.from('x')).toString('hex') }),
    qe_identity_chain: () => withCollateral({ qe_identity_issuer_chain: expiredSigner }),
    qe_signer_revoked: withRevokedQeSigner,
    qe_identity_signature: () => withCollateral({ qe_identity_signature: 'ab'.repeat(64) }),
    tcb_info_format: genuine({ collateral: { changeTcbInfo: () => '{"id":"TDX"' } }),
    tcb_info_id: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, id: 'SGX' }) } }),
    tcb_info_dates: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, nextUpdate: past.toISOString() }) } }),
    tcb_info_fmspc: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, fmspc: '00A067110000' }) } }),
    tcb_info_pce_id: genuine({ collateral: { changeTcbInfo: (info) => ({ ...info, pceId: '0001' }) } }),
    tcb_evaluation_number: () => judge(tdx(), { policy: { minTcbEvaluationDataNumber: 19 } }),
    qe_identity_format: genuine({ collateral: { changeQeIdentity: (id) => ({ ...id, mrsigner: 'short' }) } }),
    qe_identity_id: genuine({ collateral: { changeQeIdentity: (id) => ({ ...id, id: 'QE' }) } }),
    qe_identity_dates: genuine({
        collateral: { changeQeIdentity: (id) => ({ ...id, nextUpdate: past.toISOString() }) },
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
    tcb_level: () => judge(onPlatform({ facts: { pceSvn: 1 } })),
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
    policy_format: () => judge(tdx(), { policy: { statusses: [] } as never }),
    policy_tee_type: () => judge(sgx(), { policy: { teeTypes: ['tdx'] } }),
    policy_debug: genuine({ tdAttributes: Buffer.from('0100001000000000', 'hex') }),
    policy_sept_ve_disable: () =>
        judge(tdx({ tdAttributes: Buffer.alloc(8) }), { policy: { septVeDisable: 'required' } }),
    policy_xfam: () =>
        judge(tdx(), { policy: { xfam: { required: '0300000000000000', allowed: 'e700000000000000' } } }),
    policy_mr_service_td: () =>
        judge(tdx({ version: 5, mrServiceTd: Buffer.alloc(48, 1) }), { policy: { mrServiceTd: ['0'.repeat(96)] } }),
    policy_status: genuine({ collateral: { platformStatus: 'OutOfDate' } }),
    policy_advisory: () =>
        judge(tdx({ collateral: { platformStatus: 'SWHardeningNeeded', advisoryIds: ['INTEL-SA-00615'] } }), {
            policy: { refusedAdvisories: ['INTEL-SA-00615'] },
        }),
    policy_image: () => judge(tdx(), { policy: { images: [{ imageId: 'ab'.repeat(32) }] } }),
    policy_report_data: () => judge(tdx(), { claims: { bundleHash: Buffer.alloc(32) } }),
    policy_model: () =>
        judge(tdx(), { policy: { models: ['ab'.repeat(32)] }, claims: { modelRoot: Buffer.alloc(32) } }),
    policy_block: () => judge(tdx(), { claims: { block: { rootHash: Buffer.alloc(32), time: now } } }),
    policy_age: () =>
        judge(tdx(), {
            policy: { maxBlockAgeSeconds: 600 },
            claims: { block: { rootHash: reportData.subarray(32), time: new Date(now.getTime() - 601_000) } },
        }),
    policy_platform_denied: () => judge(tdx(), { policy: { deniedPlatforms: [judge(tdx()).platformId!] } }),
    internal_error: () => {
        const { quote, collateral } = tdx();
        return verifyQuote(quote, collateral, {
            at: now,
            get claims(): never {
                throw new Error('a caller whose options cannot be read');
            },
        });
    },
};

describe('each check', () => {
    it.each(checkCodes.map((code) => [code]))('%s is produced by evidence with that one flaw', (code) => {
        const verdict = flaws[code]();
        expect(verdict.failedCheck).toBe(code);
        expect(verdict.verdict).toBe('rejected');
        expect(verdict.detail.length).toBeGreaterThan(10);
    });

    it('passes on the same evidence without a flaw', () => {
        for (const evidence of [tdx(), tdx({ version: 5 }), sgx()]) {
            expect(judge(evidence)).toMatchObject({ verdict: 'accepted', failedCheck: null });
        }
    });
});
