import { type CheckCode, intelRootPublicKey, verifyTdxQuote } from '../../../keepers/attestation';
import { OnChainVerifier } from '../../../keepers/devnet/on-chain-verifier';
import { everyStatus } from '../../campaign/verdict-cases';
import { runVerdictCampaign } from '../../campaign/verdicts';
import { now, pki } from '../../keepers/attestation/development-evidence';
import { flaws } from '../../keepers/attestation/flawed-evidence';
import { presentVectors, readCollateral, readQuote, realVectors } from '../../keepers/attestation/real-vectors';

const underDevelopmentRoot = { rootPublicKey: pki.rootPublicKey, at: now };

/** Whom the contract leaves these to, or why it says something else. */
const elsewhere = {
    'the clock, sizes and options of a caller': [
        'clock_invalid',
        'input_too_large',
        'collateral_format',
        'policy_format',
    ],
    'the packer, which has no place for such bytes': [
        'quote_body_type',
        'quote_length',
        'quote_certification_type',
        'pck_chain_encoding',
        'root_crl_encoding',
        'pck_crl_encoding',
    ],
    'nobody: the contract knows its own root and is not told another': ['pck_chain_root'],
    'another word: the list is of another authority than the chain that comes with it': ['pck_crl_chain'],
    'another word: an SGX quote comes with SGX collateral, which is refused first': ['policy_tee_type'],
    "the registry's and the clients' policy": [
        'tcb_evaluation_number',
        'policy_sept_ve_disable',
        'policy_xfam',
        'policy_mr_service_td',
        'policy_status',
        'policy_advisory',
        'policy_image',
        'policy_report_data',
        'policy_model',
        'policy_block',
        'policy_age',
        'policy_platform_denied',
    ],
} satisfies Record<string, CheckCode[]>;

const leftElsewhere = new Set<string>(Object.values(elsewhere).flat());
const onChain = (Object.keys(flaws) as (keyof typeof flaws)[]).filter((code) => !leftElsewhere.has(code));

describe('the verdict on chain', () => {
    let contract: OnChainVerifier;

    beforeAll(async () => {
        contract = await OnChainVerifier.create({ ...underDevelopmentRoot, kind: 'development' });
    });

    it.each(onChain)('on evidence with one flaw names the check that the off-chain one names: %s', async (code) => {
        const { quote, collateral } = flaws[code]().evidence;
        const { verdict, failedCheck } = await contract.judge(quote, collateral);
        expect({ verdict, failedCheck }).toEqual({ verdict: 'rejected', failedCheck: code });
    });

    it('agrees with the off-chain one on changed and minted evidence (`npm run campaign -- verdicts` for thousands)', async () => {
        const { accepted, refusedOnChain, disagreements } = await runVerdictCampaign({ count: 40, seed: 7 });
        expect(disagreements).toEqual([]);
        expect(accepted).toBeGreaterThan(3);
        expect(refusedOnChain).toBeGreaterThan(10);
    });
});

const real = presentVectors(
    'on-chain verdicts',
    realVectors.filter(({ quote, collateral }) => quote.startsWith('tdx') && collateral !== null),
);

(real.length > 0 ? describe : describe.skip)('on quotes of real machines, by the collateral of their day', () => {
    it.each(real)('$quote by $collateral: the contract says what the off-chain verifier says', async (vector) => {
        const [quote, collateral, at] = [readQuote(vector), readCollateral(vector), new Date(vector.at)];
        const contract = await OnChainVerifier.create({ rootPublicKey: intelRootPublicKey, at, kind: 'production' });
        const offChain = verifyTdxQuote(quote, collateral, { at, policy: everyStatus });
        const said = await contract.judge(quote, collateral);
        expect(said).toMatchObject({ verdict: offChain.verdict, failedCheck: offChain.failedCheck });
        if (said.verdict === 'accepted') expect(said.status).toBe(offChain.status);
        else expect(said.refusal).toMatch(/^QuoteVerifier: /);
    });
});
