import { type CheckCode, type Collateral, intelRootPublicKey, type Verdict } from '../attestation';
import { formatTon } from '../base';
import { type OnChainVerdict, OnChainVerifier } from '../devnet/on-chain-verifier';

/** What one message to the contract took. */
export interface OnChainMessage {
    message: string;
    gas: number;
    /** in words of the contract, null where it was taken */
    refusal: string | null;
}

/** An off-chain verdict, with the contract's in its place and what it cost. */
export interface VerdictOnChain extends Verdict {
    /** of the verification alone; 0 where a posting was refused */
    gas: number;
    /** TON for all messages, gas and forward fees, at the sandbox's prices and at those in force since spring 2026 */
    tonCost: { sandbox: string; mainnet2026: string };
    messages: OnChainMessage[];
}

/**
 * Posts the collateral to the real contract and has it verify the quote, on a chain in memory that stands at that date. The facts of the
 * verdict are read off chain; what is decided, the contract decides.
 */
export async function judgeOnChain(
    quote: Buffer,
    collateral: Collateral,
    { offChain, rootPublicKey, at }: { offChain: Verdict; rootPublicKey?: Buffer; at: Date },
): Promise<VerdictOnChain> {
    const kind = rootPublicKey === undefined ? ('production' as const) : ('development' as const);
    const by = { rootPublicKey: rootPublicKey ?? intelRootPublicKey, at, kind };
    const onChain = async (feeConfig: 'sandbox' | 'mainnet-2026') =>
        (await OnChainVerifier.create({ ...by, feeConfig })).judge(quote, collateral);
    const said = await onChain('sandbox');
    const cheaper = await onChain('mainnet-2026');
    return {
        ...offChain,
        verdict: said.verdict,
        status: said.status,
        failedCheck:
            (said.failedCheck as CheckCode | null) ?? (said.verdict === 'rejected' ? offChain.failedCheck : null),
        detail:
            said.refusal ?? 'genuine and current, says the contract; statuses, images and block are for the registry',
        gas: said.steps.find(({ message }) => message === 'quote')?.gas ?? 0,
        tonCost: { sandbox: costOf(said), mainnet2026: costOf(cheaper) },
        messages: said.steps.map(({ message, gas, refusal }) => ({ message, gas, refusal })),
    };
}

function costOf({ steps }: OnChainVerdict): string {
    return formatTon(steps.reduce((sum, { costNano }) => sum + costNano, 0n));
}
