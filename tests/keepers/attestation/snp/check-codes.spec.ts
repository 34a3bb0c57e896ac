import {
    snpCheckCodes,
    snpPlatformIdOf,
    verifySnpReport,
    type SnpCheckCode,
    type SnpVerdict,
} from '../../../../keepers/attestation';
import { der } from '../../../../keepers/attestation/mint/der-writer';
import { p384, SigningKey } from '../../../../keepers/attestation/mint/signing-key';
import { developmentTcb, little, type MintSnpOptions } from '../../../../keepers/attestation/snp/mint/report';
import { developmentChipId, type AuthorityChanges } from '../../../../keepers/attestation/snp/mint/pki';
import { RsaKey } from '../../../../keepers/attestation/snp/mint/rsa-key';
import { developmentPki, judge, now, pki, reportData, seed, snp } from './development-evidence';

const stranger = RsaKey.derive(seed, 'stranger');
const recently = new Date(now.getTime() - 1000);
const minted = (options: Partial<MintSnpOptions>) => () => judge(snp(options));
const withPolicy =
    (policy: object, options: Partial<MintSnpOptions> = {}) =>
    () =>
        judge(snp(options), { policy });
const guestPolicy = (bits: bigint) => ({ fields: { policy: little(0x30133n | bits, 8) } });
const product = (name: string) => der(0x16, Buffer.from(name, 'latin1'));

/** Evidence under a root or an authority whose certificate was changed. */
const under = (role: 'root' | 'authority', changes: AuthorityChanges) => () =>
    judge(snp({ pki: developmentPki({ certificates: { [role]: changes } }) }));

const chipOf = (machine: string) => developmentChipId(pki, machine);

/** For each code, evidence with that one flaw. */
const flaws: Record<SnpCheckCode, () => SnpVerdict> = {
    clock_invalid: () => judge(snp(), { at: new Date(NaN) }),
    input_too_large: () => {
        const { report, certificates } = snp();
        return judge({ report, certificates: { ...certificates, crl: Buffer.alloc(256 * 1024 + 1) } });
    },
    policy_format: () => judge(snp(), { policy: { vmpls: [0] } as never }),
    report_length: () => {
        const { report, certificates } = snp();
        return judge({ report: report.subarray(0, report.length - 1), certificates });
    },
    report_version: minted({ version: 1 }),
    report_signature_algorithm: minted({ fields: { signatureAlgorithm: little(2, 4) } }),
    report_signing_key: minted({ fields: { keyInfo: little(7 << 2, 4) } }),
    report_guest_policy: minted({ fields: { policy: little(0x10133n, 8) } }),
    vek_chain_encoding: () => {
        const { report, certificates } = snp();
        return judge({ report, certificates: { ...certificates, chain: '' } });
    },
    vek_chain_root: () => judge(snp(), { rootKeyHash: undefined }),
    vek_chain_names: minted({ endorsement: { certificate: { subject: 'SEV-VLEK' } } }),
    vek_chain_constraints: under('authority', { keyUsage: 0x80 }),
    vek_chain_validity: minted({ endorsement: { certificate: { notAfter: recently } } }),
    vek_chain_signature: minted({ endorsement: { certificate: { issuerKey: stranger } } }),
    ark_crl_missing: withPolicy({ revocation: 'required' }, { crl: null }),
    ark_crl_encoding: () => {
        const { report, certificates } = snp();
        return judge({ report, certificates: { ...certificates, crl: Buffer.from('3000', 'hex') } });
    },
    ark_crl_issuer: minted({ crl: { issuer: 'ARK-Genoa' } }),
    ark_crl_signature: minted({ crl: { issuerKey: stranger } }),
    ark_crl_dates: minted({ crl: { nextUpdate: recently } }),
    ask_revoked: minted({ crl: { revokedSerials: [Buffer.from([5]), pki.authorities.vcek.serial] } }),
    vek_extension: minted({ endorsement: { extensions: { hardwareId: null } } }),
    vek_product: minted({ endorsement: { extensions: { productName: product('Genoa-B0') } } }),
    vek_tcb: minted({ endorsement: { extensions: { tcb: { ...developmentTcb, snp: 25 } } } }),
    vek_chip_id: minted({ endorsement: { extensions: { hardwareId: chipOf('another') } } }),
    cpu_product: minted({ fields: { cpuModel: Buffer.from([0x11]) } }),
    report_signature: minted({ signer: new SigningKey(seed, 'stranger', p384) }),
    policy_product: withPolicy({ products: ['Genoa'] }),
    policy_signing_key: withPolicy({ signingKeys: ['vlek'] }),
    policy_debug: minted(guestPolicy(1n << 19n)),
    policy_migration_agent: minted(guestPolicy(1n << 18n)),
    policy_smt: withPolicy({ smt: 'refuse' }),
    policy_single_socket: withPolicy({ singleSocket: 'required' }),
    policy_vmpl: minted({ fields: { vmpl: little(1, 4) } }),
    policy_tcb: withPolicy({ minTcb: { Milan: { microcode: 220 } } }),
    policy_launch_tcb: withPolicy({ minTcb: { Milan: { snp: 24 } } }, { fields: { launchTcb: little(4, 8) } }),
    policy_image: withPolicy({ images: [{ imageId: 'ab'.repeat(32) }] }),
    policy_report_data: () => judge(snp(), { claims: { bundleHash: Buffer.alloc(32) } }),
    policy_model: () =>
        judge(snp(), { policy: { models: ['ab'.repeat(32)] }, claims: { modelRoot: Buffer.alloc(32) } }),
    policy_block: () => judge(snp(), { claims: { block: { rootHash: Buffer.alloc(32), time: now } } }),
    policy_age: () =>
        judge(snp(), {
            policy: { maxBlockAgeSeconds: 600 },
            claims: { block: { rootHash: reportData.subarray(32), time: new Date(now.getTime() - 601_000) } },
        }),
    policy_platform_unknown: withPolicy(
        { platform: 'required' },
        { signingKey: 'vlek', fields: { chipId: Buffer.alloc(64) } },
    ),
    policy_platform_denied: withPolicy({ deniedPlatforms: [snpPlatformIdOf(chipOf('machine'))] }),
    internal_error: () => {
        const { report, certificates } = snp();
        return verifySnpReport(report, certificates, {
            at: now,
            get claims(): never {
                throw new Error('a caller whose options cannot be read');
            },
        });
    },
};

describe('each check', () => {
    it.each(snpCheckCodes.map((code) => [code]))('%s is produced by evidence with that one flaw', (code) => {
        const verdict = flaws[code]();
        expect(verdict.failedCheck).toBe(code);
        expect(verdict).toMatchObject({ verdict: 'rejected', validUntil: null });
        expect(verdict.detail.length).toBeGreaterThan(10);
    });
});

describe('more flaws of the same kinds', () => {
    it.each<[SnpCheckCode, string, () => SnpVerdict]>([
        ['vek_chain_constraints', 'an authority with others below it', under('authority', { pathLength: 1 })],
        ['vek_chain_constraints', 'a root that may not sign lists', under('root', { keyUsage: 0x04 })],
        [
            'vek_chain_constraints',
            'an endorsement key of RSA',
            minted({ endorsement: { certificate: { key: stranger } } }),
        ],
        ['vek_chain_names', 'an authority of another line', under('authority', { subject: 'SEV-Genoa' })],
        ['vek_chain_signature', 'an authority signed by another', under('authority', { issuerKey: stranger })],
        ['vek_chain_validity', 'an authority that has lapsed', under('authority', { notAfter: recently })],
        ['vek_chain_names', 'a VLEK report with a VCEK', minted({ fields: { keyInfo: little(1 << 2, 4) } })],
        ['report_signing_key', 'a masked chip key', minted({ fields: { keyInfo: little(2, 4) } })],
        [
            'report_signing_key',
            'reserved bits of the key information',
            minted({ fields: { keyInfo: little(0x20, 4) } }),
        ],
        ['report_guest_policy', 'an unknown bit of the guest policy', minted(guestPolicy(1n << 40n))],
        ['report_version', 'a version from the future', minted({ version: 6 })],
        [
            'vek_extension',
            'a VLEK that names no provider',
            minted({ signingKey: 'vlek', endorsement: { extensions: { cspId: null } } }),
        ],
        [
            'vek_extension',
            'a VCEK that names a provider too',
            minted({ endorsement: { extensions: { cspId: product('CN=x') } } }),
        ],
        [
            'vek_tcb',
            'a VLEK of other firmware',
            minted({ signingKey: 'vlek', endorsement: { extensions: { tcb: {} } } }),
        ],
        [
            'report_signature',
            'a number of the signature that is too long',
            () => {
                const { report, certificates } = snp();
                report[0x2a0 + 48] = 1;
                return judge({ report, certificates });
            },
        ],
        [
            'report_signature',
            'bytes where the signature has none',
            () => {
                const { report, certificates } = snp();
                report[1183] = 1;
                return judge({ report, certificates });
            },
        ],
    ])('%s: %s', (code, _, flaw) => {
        expect(flaw().failedCheck).toBe(code);
    });
});

describe('the same evidence without a flaw', () => {
    it.each(['Milan', 'Genoa', 'Turin'] as const)('is accepted for %s, under VCEK and VLEK', (line) => {
        const own = developmentPki({ line });
        for (const signingKey of ['vcek', 'vlek'] as const) {
            const verdict = judge(snp({ pki: own, signingKey }), { rootKeyHash: own.rootKeyHash });
            expect(verdict).toMatchObject({ verdict: 'accepted', failedCheck: null, product: line, signingKey });
            expect(verdict.cspId).toBe(signingKey === 'vlek' ? 'CN=development.example' : null);
        }
    });

    it.each([2, 3, 4, 5])('is accepted in version %d', (version) => {
        expect(judge(snp({ version }))).toMatchObject({ verdict: 'accepted', reportVersion: version });
    });

    it('reads the parts of a TCB version where the product line has them', () => {
        const turin = developmentPki({ line: 'Turin' });
        const { tcb } = judge(snp({ pki: turin }), { rootKeyHash: turin.rootKeyHash });
        expect(tcb!.reported).toEqual(developmentTcb);
        const { bootloader, tee, snp: firmware, microcode } = developmentTcb;
        expect(judge(snp()).tcb!.launch).toEqual({ bootloader, tee, snp: firmware, microcode });
    });

    it('takes a hardware id wrapped in an OCTET STRING as well as bare', () => {
        const wrapped = der(0x04, chipOf('machine'));
        expect(judge(snp({ endorsement: { extensions: { hardwareId: wrapped } } })).verdict).toBe('accepted');
    });

    it('knows a chip that its host masks by the certificate of its key', () => {
        const [shown, masked] = [judge(snp()), judge(snp({ fields: { chipId: Buffer.alloc(64) } }))];
        expect(masked).toMatchObject({ verdict: 'accepted', platformId: shown.platformId });
        expect(shown.platformId).toBe(snpPlatformIdOf(chipOf('machine')));
    });

    it('says which checks had nothing to check by', () => {
        const unchecked = judge(snp({ crl: null, signingKey: 'vlek', fields: { chipId: Buffer.alloc(64) } }));
        expect(unchecked.checks).toEqual({
            report: 'passed',
            chain: 'passed',
            revocation: 'unchecked',
            endorsement: 'passed',
            signature: 'passed',
            policy: 'passed',
            binding: 'unchecked',
            platform: 'unchecked',
        });
        const bundleHash = reportData.subarray(0, 32);
        expect(judge(snp(), { claims: { bundleHash } }).checks).toMatchObject({
            revocation: 'passed',
            binding: 'passed',
            platform: 'passed',
        });
        expect(judge(snp({ signer: new SigningKey(seed, 'x', p384) })).checks).toMatchObject({
            endorsement: 'passed',
            signature: 'failed',
            policy: 'unchecked',
        });
    });

    it('stays acceptable until the first thing it rests on lapses', () => {
        const nextUpdate = new Date(now.getTime() + 3600_000);
        expect(judge(snp({ crl: { nextUpdate } })).validUntil).toBe(nextUpdate.toISOString());
    });

    it('is refused under AMD’s roots: no development root is trusted that was not named', () => {
        expect(judge(snp(), { rootKeyHash: undefined }).failedCheck).toBe('vek_chain_root');
    });
});
