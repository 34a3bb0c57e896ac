import { type Address, beginCell, type Cell, toNano, type Transaction } from '@ton/core';
import { Blockchain, type BlockchainSnapshot, type SandboxContract, type TreasuryContract } from '@ton/sandbox';
import type { Collateral } from '../attestation';
import { sharedExecutor } from './chain/core/executor';
import { NetworkConfig } from './chain/core/fee-config';
import {
    failedCheckOf,
    packQuote,
    QuoteVerifier,
    quoteVerifierErrors,
    QuotePackError,
    type PlatformStatus,
    type VerifierMessage,
    verifyQuoteBody,
} from '../../wrappers';

/** One message to the contract and what came of it. */
export interface VerifierStep {
    message: VerifierMessage;
    gas: number;
    /** gas and forward fees at the emulator's prices */
    costNano: bigint;
    /** null where it was taken */
    failedCheck: string | null;
    /** the contract's own words, null where it was taken */
    refusal: string | null;
}

/** What the real contract says, in the emulator, of a quote and the collateral posted before it. */
export interface OnChainVerdict {
    verdict: 'accepted' | 'rejected';
    status: PlatformStatus | null;
    /** of the first message refused */
    failedCheck: string | null;
    refusal: string | null;
    steps: VerifierStep[];
}

export interface OnChainVerifierOptions {
    /** uncompressed point, 65 bytes */
    rootPublicKey: Buffer;
    /** the chain's time */
    at: Date;
    /** production takes Intel's root alone */
    kind: 'production' | 'development';
    feeConfig?: 'sandbox' | 'mainnet-2026';
}

const verifyValueNano = toNano('5');

/** The QuoteVerifier contract on a chain of its own that stands at one moment. */
export class OnChainVerifier {
    private posted?: { collateral: Collateral; steps: VerifierStep[]; snapshot: BlockchainSnapshot };

    private constructor(
        private readonly blockchain: Blockchain,
        private readonly sender: SandboxContract<TreasuryContract>,
        private readonly verifier: SandboxContract<QuoteVerifier>,
        private readonly deployed: BlockchainSnapshot,
    ) {}

    static async create(options: OnChainVerifierOptions): Promise<OnChainVerifier> {
        const { rootPublicKey, at, kind, feeConfig = 'sandbox' } = options;
        const config = NetworkConfig.of(feeConfig).cell;
        const blockchain = await Blockchain.create({ executor: await sharedExecutor(), config });
        blockchain.now = Math.floor(at.getTime() / 1000);
        const sender = await blockchain.treasury('sender');
        const registry = await blockchain.treasury('registry');
        const verifier = blockchain.openContract(
            await QuoteVerifier.createFromConfig({
                registry: registry.address,
                kind: kind === 'production' ? 1 : 2,
                rootKey: rootPublicKey.subarray(1),
            }),
        );
        await verifier.sendDeploy(sender.getSender(), verifyValueNano);
        return new OnChainVerifier(blockchain, sender, verifier, blockchain.snapshot());
    }

    /** Posts every piece of the collateral, then the quote; the first refusal is the verdict. Each call starts from a contract that holds nothing. */
    async judge(quote: Buffer, collateral: Collateral): Promise<OnChainVerdict> {
        const posted = await this.post(collateral);
        const refused = posted.find(({ refusal }) => refusal !== null);
        if (refused !== undefined) return rejected(posted, refused);
        const step = await this.verify(quote, evaluationOf(collateral));
        const steps = [...posted, step];
        if (step.refusal !== null) return rejected(steps, step);
        return { verdict: 'accepted', status: step.status, failedCheck: null, refusal: null, steps };
    }

    /** Up to the first refusal. What was posted last stays at hand: many quotes are judged by the same collateral. */
    private async post(collateral: Collateral): Promise<VerifierStep[]> {
        if (this.posted?.collateral === collateral) {
            await this.blockchain.loadFrom(this.posted.snapshot);
            return this.posted.steps;
        }
        await this.blockchain.loadFrom(this.deployed);
        const steps: VerifierStep[] = [];
        for (const [message, post] of this.postings(collateral)) {
            const step = await this.step(message, post);
            steps.push(step);
            if (step.refusal !== null) return steps;
        }
        this.posted = { collateral, steps, snapshot: this.blockchain.snapshot() };
        return steps;
    }

    private postings(collateral: Collateral): [VerifierMessage, () => Promise<{ transactions: Transaction[] }>][] {
        const { verifier } = this;
        const via = this.sender.getSender();
        const issuerChain = collateral.pck_crl_issuer_chain;
        const options = { valueNano: verifyValueNano };
        return [
            [
                'root revocation list',
                () =>
                    verifier.sendPostRootRevocationList(via, { list: collateral.root_ca_crl, issuerChain, ...options }),
            ],
            [
                'pck revocation list',
                () => verifier.sendPostPckRevocationList(via, { list: collateral.pck_crl, issuerChain, ...options }),
            ],
            [
                'tcb info',
                () =>
                    verifier.sendPostTcbInfo(via, {
                        text: collateral.tcb_info,
                        signature: collateral.tcb_info_signature,
                        issuerChain: collateral.tcb_info_issuer_chain,
                        ...options,
                    }),
            ],
            [
                'qe identity',
                () =>
                    verifier.sendPostQeIdentity(via, {
                        text: collateral.qe_identity,
                        signature: collateral.qe_identity_signature,
                        issuerChain: collateral.qe_identity_issuer_chain,
                        ...options,
                    }),
            ],
        ];
    }

    /** By a message, as a node does it; the block that the quote names is made a recent one. */
    private async verify(quote: Buffer, evaluation: number): Promise<VerifierStep & { status: PlatformStatus | null }> {
        let packedQuote: Cell;
        try {
            packedQuote = packQuote(quote);
        } catch (error) {
            if (!(error instanceof QuotePackError)) throw error;
            return { ...unpackable('quote', error), status: null };
        }
        this.nameBlock(packedQuote);
        const step = await this.step('quote', () =>
            this.sender.send({
                to: this.verifier.address,
                value: verifyValueNano,
                body: verifyQuoteBody({
                    evaluation,
                    bundle: beginCell().endCell(),
                    authorization: beginCell().endCell(),
                    responseTo: this.sender.address,
                    packedQuote,
                }),
            }),
        );
        const status =
            step.refusal === null ? (await this.verifier.getVerifiedQuote(packedQuote, evaluation)).status : null;
        return { ...step, status };
    }

    /** Sixteen hundred-blocks, of which the latest is the one named in the second half of the report data. */
    private nameBlock(packedQuote: Cell): void {
        let piece = packedQuote.refs[0]!.refs[1]!;
        for (let index = 0; index < 6 && piece.refs[0] !== undefined; index += 1) piece = piece.refs[0];
        const named = piece.bits.length === 512 ? piece.beginParse().skip(256).loadBuffer(32) : Buffer.alloc(32);
        const blockOf = (rootHash: Buffer, seqno: number) => ({
            workchain: -1,
            shard: -(2n ** 63n),
            seqno,
            rootHash,
            fileHash: Buffer.alloc(32),
        });
        const blocks = Array.from({ length: 16 }, (_, i) =>
            blockOf(i === 0 ? named : Buffer.alloc(32, i), 1600 - 100 * i),
        );
        this.blockchain.prevBlocks = {
            lastMcBlocks: blocks,
            prevKeyBlock: blocks[0]!,
            lastMcBlocks100: blocks,
        };
    }

    private async step(
        message: VerifierMessage,
        send: () => Promise<{ transactions: Transaction[] }>,
    ): Promise<VerifierStep> {
        try {
            const { transactions } = await send();
            return readStep(message, transactions, this.verifier.address);
        } catch (error) {
            if (error instanceof QuotePackError) return unpackable(message, error);
            throw error;
        }
    }
}

function rejected(steps: VerifierStep[], { failedCheck, refusal }: VerifierStep): OnChainVerdict {
    return { verdict: 'rejected', status: null, failedCheck, refusal, steps };
}

function unpackable(message: VerifierMessage, error: QuotePackError): VerifierStep {
    return { message, gas: 0, costNano: 0n, failedCheck: null, refusal: `packer: ${error.message}` };
}

function readStep(message: VerifierMessage, transactions: Transaction[], verifier: Address): VerifierStep {
    const transaction = transactions.find(({ inMessage }) => inMessage?.info.dest?.toString() === verifier.toString());
    if (transaction?.description.type !== 'generic' || transaction.description.computePhase.type !== 'vm') {
        throw new Error('the verifier did not run');
    }
    const { exitCode, gasUsed } = transaction.description.computePhase;
    const forwardNano = [...transaction.outMessages.values()].reduce(
        (sum, { info }) => (info.type === 'internal' ? sum + info.forwardFee : sum),
        0n,
    );
    const isTaken = exitCode === 0;
    return {
        message,
        gas: Number(gasUsed),
        costNano: transaction.totalFees.coins + forwardNano,
        failedCheck: isTaken ? null : failedCheckOf(message, exitCode),
        refusal: isTaken ? null : (quoteVerifierErrors.get(exitCode) ?? `exit code ${exitCode}`),
    };
}

/** Of the collateral; 0, which nothing is held for, where its text does not say. */
function evaluationOf({ tcb_info: text }: Collateral): number {
    return Number(/"tcbEvaluationDataNumber":(\d{1,9})[,}]/.exec(text)?.[1] ?? 0);
}
