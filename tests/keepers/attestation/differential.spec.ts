import { QuoteVerifier } from '@phala/dcap-qvl';
import { createPlatform, verifyQuote, type Collateral, type MintedEvidence } from '../../../keepers/attestation';
import { SigningKey } from '../../../keepers/attestation/mint/signing-key';
import { judge, now, onPlatform, pki, sgx, tdx } from './development-evidence';
import { presentVectors, readCollateral, readQuote, realVectors } from './real-vectors';

/**
 * Our verdicts beside those of @phala/dcap-qvl, an independent implementation. Every disagreement is listed with its reason;
 * one that is not listed fails, and so does a listed one that went away.
 */
interface Opinion {
    status: string | null;
    advisoryIds: string[];
}

function theirs(verifier: QuoteVerifier, quote: Buffer, collateral: Collateral, at: Date): Opinion {
    try {
        const report = verifier.verify(quote, collateral, at.getTime() / 1000) as {
            status: string;
            advisory_ids: string[];
        };
        return { status: report.status, advisoryIds: report.advisory_ids };
    } catch {
        return { status: null, advisoryIds: [] };
    }
}

const intel = QuoteVerifier.newProd();
const development = QuoteVerifier.newWithRootCa(pki.root.der);

const realDisagreements: Record<string, string> = {
    'tdx-v4-cos113':
        'they compare TDX components 0 and 1 although the module has an identity of its own: Intel does not',
    'tdx-v4-sept-off':
        'the same rule finds them no level at all; they would refuse SEPT_VE_DISABLE clear as well, which is a matter of policy',
};

const withCollateral = presentVectors('differential', realVectors).filter(({ collateral }) => collateral !== null);

(withCollateral.length > 0 ? describe : describe.skip)('real evidence', () => {
    it.each(withCollateral.map((vector) => [vector.quote, vector] as const))('%s', (name, vector) => {
        const [quote, collateral, at] = [readQuote(vector), readCollateral(vector), new Date(vector.at)];
        const { status, advisoryIds } = verifyQuote(quote, collateral, { at });
        const agree = JSON.stringify(theirs(intel, quote, collateral, at)) === JSON.stringify({ status, advisoryIds });
        expect(agree).toBe(!(name in realDisagreements));
    });
});

const stranger = new SigningKey(Buffer.alloc(32, 3), 'stranger');
const past = new Date(now.getTime() - 1000);
const withPart = (change: Partial<Collateral>): MintedEvidence => {
    const evidence = tdx();
    return { ...evidence, collateral: { ...evidence.collateral, ...change } };
};

describe('minted evidence', () => {
    const agreed: [string, MintedEvidence][] = [
        ['TDX v4', tdx()],
        ['TDX v5', tdx({ version: 5 })],
        ['SGX v3', sgx()],
        [
            'software hardening needed',
            tdx({ collateral: { platformStatus: 'SWHardeningNeeded', advisoryIds: ['INTEL-SA-00615'] } }),
        ],
        ['revoked level', tdx({ collateral: { platformStatus: 'Revoked' } })],
        ['outdated quoting enclave', tdx({ collateral: { qeStatus: 'OutOfDate' } })],
        ['revoked machine', tdx({ collateral: { pckCrl: { revokedSerials: [createPlatform(pki).pck.serial] } } })],
        ['another root', tdx({ pki: { ...pki, root: { ...pki.root, der: pki.platformCa.der } } })],
        ['another family', tdx({ collateral: { changeTcbInfo: (info) => ({ ...info, fmspc: '000000000000' }) } })],
        [
            'expired TCB info',
            tdx({ collateral: { changeTcbInfo: (info) => ({ ...info, nextUpdate: past.toISOString() }) } }),
        ],
        ['machine without a level', onPlatform({ facts: { pceSvn: 1 } })],
        ['foreign QE report signature', tdx({ changes: { qeReportSigner: stranger } })],
        ['foreign quote signature', tdx({ changes: { quoteSigner: stranger } })],
    ];

    it.each(agreed)('%s: both say the same', (_, { quote, collateral }) => {
        const verdict = judge({ quote, collateral });
        const status = verdict.status === 'Revoked' ? null : verdict.status;
        expect(theirs(development, quote, collateral, now)).toEqual({ status, advisoryIds: verdict.advisoryIds });
    });

    /** Evidence that they accept and we refuse, with our reason. */
    const theyAccept: [string, string, MintedEvidence][] = [
        ['they ignore a revocation list that they cannot read', 'root_crl_encoding', withPart({ root_ca_crl: '' })],
        ['the same for the list of the PCK authority', 'pck_crl_encoding', withPart({ pck_crl: 'deadbeef' })],
        [
            'they do not verify who signed a list',
            'pck_crl_signature',
            tdx({ collateral: { pckCrl: { issuerKey: stranger } } }),
        ],
        [
            'they do not look at the dates of a list',
            'pck_crl_dates',
            tdx({ collateral: { pckCrl: { nextUpdate: past } } }),
        ],
        [
            'they do not check the TDX module',
            'tdx_module_mrsigner',
            tdx({ fields: { mrSignerSeam: Buffer.alloc(48, 1) } }),
        ],
        ['nor its identity', 'tdx_module_identity', tdx({ teeTcbSvn: Buffer.from('0b0904'.padEnd(32, '0'), 'hex') })],
        [
            'they do not compare the PCE id',
            'tcb_info_pce_id',
            tdx({ collateral: { changeTcbInfo: (info) => ({ ...info, pceId: '0001' }) } }),
        ],
    ];

    it.each(theyAccept)('%s: %s', (_, code, { quote, collateral }) => {
        expect(theirs(development, quote, collateral, now).status).toBe('UpToDate');
        expect(judge({ quote, collateral }).failedCheck).toBe(code);
    });

    it('an outdated module and a launch under one: they see neither', () => {
        const outdated = Buffer.from('050104'.padEnd(32, '0'), 'hex');
        const evidence = tdx({
            version: 5,
            teeTcbSvn: outdated,
            teeTcbSvn2: Buffer.from('0b0104'.padEnd(32, '0'), 'hex'),
        });
        expect(theirs(development, evidence.quote, evidence.collateral, now).status).toBe('UpToDate');
        expect(judge(evidence).status).toBe('TDRelaunchAdvised');
    });
});
