import { Address, beginCell, Cell, toNano, Transaction } from '@ton/core';
import { Blockchain, GetMethodError, SandboxContract, TreasuryContract } from '@ton/sandbox';
import { loadQuoteVerified, QuoteVerified } from '../../../../build/QuoteVerifier/QuoteVerifier_QuoteVerifier';
import type { Collateral } from '../../../../keepers/attestation';
import { QuoteVerifier, quoteVerifierErrors, verifyQuoteBody } from '../../../../wrappers/quote-verifier';
import { budget, createBlockchain } from '../../../support/fee-config';

export interface VerifierOptions {
    rootKey: Buffer;
    kind?: number;
    nowSec: number;
    /** posted before anything else */
    collateral?: Collateral[];
}

/** What minted collateral is of. */
export const mintedEvaluation = 18;

export interface Outcome {
    /** 'verified', or the refusal's text without the contract's name */
    verdict: string;
    gasUsed: bigint;
    /** what the registry got */
    delivered?: QuoteVerified;
}

/** A verifier whose registry is a wallet, so that what reaches it can be read. */
export async function createVerifier({ rootKey, kind = 2, nowSec, collateral = [] }: VerifierOptions) {
    const blockchain = await createBlockchain();
    blockchain.now = nowSec;
    const sender = await blockchain.treasury('sender');
    const registry = await blockchain.treasury('registry');
    const verifier = blockchain.openContract(
        await QuoteVerifier.createFromConfig({ registry: registry.address, kind, rootKey }),
    );
    await verifier.sendDeploy(sender.getSender());
    for (const set of collateral) await postCollateral(verifier, sender, set);
    return { blockchain, sender, registry, verifier, ...verbs({ blockchain, sender, registry, verifier }) };
}

/** Every piece of a set, and the gas of each; a refusal throws. */
export async function postCollateral(
    verifier: SandboxContract<QuoteVerifier>,
    sender: SandboxContract<TreasuryContract>,
    collateral: Collateral,
): Promise<bigint[]> {
    const via = sender.getSender();
    const issuerChain = collateral.pck_crl_issuer_chain;
    const results = [
        await verifier.sendPostRootRevocationList(via, { list: collateral.root_ca_crl, issuerChain }),
        await verifier.sendPostPckRevocationList(via, { list: collateral.pck_crl, issuerChain }),
        await verifier.sendPostTcbInfo(via, {
            text: collateral.tcb_info,
            signature: collateral.tcb_info_signature,
            issuerChain: collateral.tcb_info_issuer_chain,
        }),
        await verifier.sendPostQeIdentity(via, {
            text: collateral.qe_identity,
            signature: collateral.qe_identity_signature,
            issuerChain: collateral.qe_identity_issuer_chain,
        }),
    ];
    return results.map(({ transactions }) => {
        const { exitCode, gasUsed } = computePhaseOf(transactions, verifier.address);
        if (exitCode !== 0 && !reasonOf(exitCode).endsWith('held is as new')) throw new Error(reasonOf(exitCode));
        return gasUsed;
    });
}

interface Actors {
    blockchain: Blockchain;
    sender: SandboxContract<TreasuryContract>;
    registry: SandboxContract<TreasuryContract>;
    verifier: SandboxContract<QuoteVerifier>;
}

export const bundle = beginCell().storeUint(0xb0, 8).endCell();
export const authorization = beginCell().storeUint(0xa0, 8).endCell();

function verbs({ blockchain, sender, registry, verifier }: Actors) {
    /** Sends a packed quote, whose block is made a recent one, and reads what came of it. */
    async function verify(
        packedQuote: Cell,
        { valueNano = budget(toNano('1')), evaluation = mintedEvaluation, isRecent = true }: VerifyOptions = {},
    ): Promise<Outcome> {
        blockchain.prevBlocks = blocksWith(isRecent ? namedBlock(packedQuote) : Buffer.alloc(32));
        const body = verifyQuoteBody({
            evaluation,
            bundle,
            authorization,
            responseTo: sender.address,
            queryId: 7n,
            packedQuote,
        });
        const { transactions } = await sender.send({ to: verifier.address, value: valueNano, body });
        const { exitCode, gasUsed } = computePhaseOf(transactions, verifier.address);
        const received = transactions.find((transaction) => isTo(transaction, registry.address));
        return {
            verdict: exitCode === 0 ? 'verified' : reasonOf(exitCode),
            gasUsed,
            delivered: received && loadQuoteVerified(received.inMessage!.body.beginParse()),
        };
    }

    /** The verdict alone, by the get method that runs the same check: several times faster than a message. */
    async function judge(packedQuote: Cell, evaluation = mintedEvaluation): Promise<string> {
        try {
            await verifier.getVerifiedQuote(packedQuote, evaluation);
            return 'verified';
        } catch (error) {
            if (error instanceof GetMethodError) return reasonOf(error.exitCode);
            throw error;
        }
    }
    return { verify, judge };
}

export interface VerifyOptions {
    valueNano?: bigint;
    evaluation?: number;
    /** whether the chain knows the block that the quote names */
    isRecent?: boolean;
}

/** The second half of the report data, where the packing has it. */
export function namedBlock(packedQuote: Cell): Buffer {
    let piece = packedQuote.refs[0]?.refs[1];
    for (let index = 0; index < 6; index += 1) piece = piece?.refs[0];
    return piece?.bits.length === 512 ? piece.beginParse().skip(256).loadBuffer(32) : Buffer.alloc(32);
}

export function blocksWith(rootHash: Buffer) {
    const block = (index: number, root: Buffer) => ({
        workchain: -1,
        shard: -(2n ** 63n),
        seqno: 1600 - 100 * index,
        rootHash: root,
        fileHash: Buffer.alloc(32),
    });
    // The last of the sixteen: the contract looks at them all.
    const blocks = Array.from({ length: 16 }, (_, i) => block(i, i === 15 ? rootHash : Buffer.alloc(32, i + 1)));
    return { lastMcBlocks: blocks, prevKeyBlock: blocks[0]!, lastMcBlocks100: blocks };
}

export function reasonOf(exitCode: number): string {
    return (quoteVerifierErrors.get(exitCode) ?? `exit code ${exitCode}`).replace('QuoteVerifier: ', '');
}

function isTo(transaction: Transaction, address: Address): boolean {
    return transaction.inMessage?.info.dest?.toString() === address.toString();
}

export function computePhaseOf(transactions: Transaction[], address: Address): { exitCode: number; gasUsed: bigint } {
    const transaction = transactions.find((candidate) => isTo(candidate, address));
    const description = transaction?.description;
    if (description?.type !== 'generic' || description.computePhase.type !== 'vm') {
        throw new Error('the verifier did not run');
    }
    return description.computePhase;
}
