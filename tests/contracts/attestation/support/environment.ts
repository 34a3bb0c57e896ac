import { Address, beginCell, Cell, toNano, Transaction } from '@ton/core';
import { Blockchain, GetMethodError, SandboxContract, TreasuryContract } from '@ton/sandbox';
import { loadQuoteVerified, QuoteVerified } from '../../../../build/QuoteVerifier/QuoteVerifier_QuoteVerifier';
import { QuoteVerifier, quoteVerifierErrors, verifyQuoteBody } from '../../../../wrappers/quote-verifier';
import { budget, createBlockchain } from '../../../support/fee-config';

export interface VerifierOptions {
    rootKey: Buffer;
    kind?: number;
    nowSec: number;
}

export interface Outcome {
    /** 'verified', or the refusal's text without the contract's name */
    verdict: string;
    gasUsed: bigint;
    /** what the registry got */
    delivered?: QuoteVerified;
}

/** A verifier whose registry is a wallet, so that what reaches it can be read. */
export async function createVerifier({ rootKey, kind = 2, nowSec }: VerifierOptions) {
    const blockchain = await createBlockchain();
    blockchain.now = nowSec;
    const sender = await blockchain.treasury('sender');
    const registry = await blockchain.treasury('registry');
    const verifier = blockchain.openContract(
        await QuoteVerifier.createFromConfig({ registry: registry.address, kind, rootKey }),
    );
    await verifier.sendDeploy(sender.getSender());
    return { blockchain, sender, registry, verifier, ...verbs({ blockchain, sender, registry, verifier }) };
}

interface Actors {
    blockchain: Blockchain;
    sender: SandboxContract<TreasuryContract>;
    registry: SandboxContract<TreasuryContract>;
    verifier: SandboxContract<QuoteVerifier>;
}

export const bundle = beginCell().storeUint(0xb0, 8).endCell();
export const authorization = beginCell().storeUint(0xa0, 8).endCell();

function verbs({ sender, registry, verifier }: Actors) {
    /** Sends a packed quote and reads what came of it. */
    async function verify(packedQuote: Cell, valueNano = budget(toNano('1'))): Promise<Outcome> {
        const body = verifyQuoteBody({
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
    async function judge(packedQuote: Cell): Promise<string> {
        try {
            await verifier.getVerifiedQuote(packedQuote);
            return 'verified';
        } catch (error) {
            if (error instanceof GetMethodError) return reasonOf(error.exitCode);
            throw error;
        }
    }
    return { verify, judge };
}

function reasonOf(exitCode: number): string {
    return (quoteVerifierErrors.get(exitCode) ?? `exit code ${exitCode}`).replace('QuoteVerifier: ', '');
}

function isTo(transaction: Transaction, address: Address): boolean {
    return transaction.inMessage?.info.dest?.toString() === address.toString();
}

function computePhaseOf(transactions: Transaction[], address: Address): { exitCode: number; gasUsed: bigint } {
    const transaction = transactions.find((candidate) => isTo(candidate, address));
    const description = transaction?.description;
    if (description?.type !== 'generic' || description.computePhase.type !== 'vm') {
        throw new Error('the verifier did not run');
    }
    return description.computePhase;
}
