import { verifyTdxQuote } from '../../keepers/attestation';
import { OnChainVerifier } from '../../keepers/devnet/on-chain-verifier';
import { now, pki } from '../keepers/attestation/development-evidence';
import { seededRandom } from '../keepers/attestation/fuzzing';
import { everyStatus, verdictCase } from './verdict-cases';

export interface VerdictCampaign {
    cases: number;
    accepted: number;
    /** by the contract */
    refusedOnChain: number;
    /** bytes with no place in the contract's layout, which the packer can't even send; refused off chain as well */
    refusedByPacker: number;
    /** refusals with the same check named by both */
    sameCheck: number;
    disagreements: string[];
}

/** Judges so many cases by both verifiers. */
export async function runVerdictCampaign(
    { count, seed }: { count: number; seed: number },
    report: (done: number) => void = () => undefined,
): Promise<VerdictCampaign> {
    const random = seededRandom(seed);
    const options = { rootPublicKey: pki.rootPublicKey, at: now };
    const contract = await OnChainVerifier.create({ ...options, kind: 'development' });
    const result: VerdictCampaign = {
        cases: 0,
        accepted: 0,
        refusedOnChain: 0,
        refusedByPacker: 0,
        sameCheck: 0,
        disagreements: [],
    };
    for (let index = 0; index < count; index += 1) {
        const { what, evidence } = verdictCase(random);
        const offChain = verifyTdxQuote(evidence.quote, evidence.collateral, { ...options, policy: everyStatus });
        const onChain = await contract.judge(evidence.quote, evidence.collateral);
        result.cases += 1;
        const agree =
            offChain.verdict === onChain.verdict &&
            (offChain.verdict === 'rejected' || offChain.status === onChain.status);
        if (!agree) {
            const said = `${offChain.verdict} ${offChain.status} ${offChain.failedCheck}`;
            result.disagreements.push(
                `case ${index} (${what}): off chain ${said}, on chain ${onChain.status} ${onChain.refusal}`,
            );
        }
        if (onChain.verdict === 'accepted') result.accepted += 1;
        else if (onChain.refusal!.startsWith('packer: ')) result.refusedByPacker += 1;
        else result.refusedOnChain += 1;
        if (onChain.verdict === 'rejected' && onChain.failedCheck === offChain.failedCheck) result.sameCheck += 1;
        report(result.cases);
    }
    return result;
}
