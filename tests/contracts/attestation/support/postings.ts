import { beginCell, type Builder, type Cell, toNano } from '@ton/core';
import type { SandboxContract, TreasuryContract } from '@ton/sandbox';
import {
    storePostQeIdentity,
    storePostRevocationList,
    storePostTcbInfo,
    storePruneQeIdentity,
    storePruneTcbInfo,
    storePrunePck,
    storeSetEvaluationFloor,
} from '../../../../build/QuoteVerifier/QuoteVerifier_QuoteVerifier';
import {
    createDevelopmentPki,
    createPlatform,
    mintCollateral,
    mintTdxQuote,
    type Collateral,
    type MintedEvidence,
    type MintTdxQuoteOptions,
} from '../../../../keepers/attestation';
import type { CollateralOptions } from '../../../../keepers/attestation/mint/collateral';
import {
    packPckRevocationList,
    packRootRevocationList,
    packSignedText,
    type PackedPosting,
} from '../../../../wrappers/collateral-packer';
import { budget } from '../../../support/fee-config';
import { computePhaseOf, createVerifier, reasonOf } from './environment';
import { mintedAtSec } from './minted-quote';

export const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 5), now: new Date(mintedAtSec * 1000) });
export const platform = createPlatform(pki);

export function collateral(options: CollateralOptions = {}, of = platform): Collateral {
    return mintCollateral(pki, of, options);
}

export function evidence(options: Partial<MintTdxQuoteOptions> = {}): MintedEvidence {
    return mintTdxQuote({ pki, reportData: Buffer.alloc(64, 0x77), ...options });
}

/** A date so many seconds after the moment of all tests. */
export function secondsLater(seconds: number): Date {
    return new Date((mintedAtSec + seconds) * 1000);
}

export function packTcbInfo(set: Collateral): PackedPosting {
    const { tcb_info: text, tcb_info_signature: signature, tcb_info_issuer_chain: issuerChain } = set;
    return packSignedText({ text, signature, issuerChain });
}

export function packQeIdentity(set: Collateral): PackedPosting {
    const { qe_identity: text, qe_identity_signature: signature, qe_identity_issuer_chain: issuerChain } = set;
    return packSignedText({ text, signature, issuerChain });
}

export function packPckList(set: Collateral): PackedPosting {
    return packPckRevocationList({ list: set.pck_crl, issuerChain: set.pck_crl_issuer_chain });
}

export function packRootList(set: Collateral): Cell {
    return packRootRevocationList({ list: set.root_ca_crl, issuerChain: set.pck_crl_issuer_chain });
}

/** What came of one message: 'taken', or the refusal's text without the contract's name. */
export interface Posting {
    verdict: string;
    gasUsed: bigint;
    /** what the sender is poorer by */
    paidNano: bigint;
}

export interface SendOptions {
    valueNano?: bigint;
    from?: SandboxContract<TreasuryContract>;
}

const bodyOf = (store: (builder: Builder) => void): Cell => beginCell().store(store).endCell();

/** A verifier that holds nothing, and every message about collateral, also such as no packer would make. */
export async function createPostbox({ nowSec = mintedAtSec } = {}) {
    const environment = await createVerifier({ rootKey: pki.rootPublicKey.subarray(1), nowSec });
    const { verifier, sender } = environment;

    async function send(store: (builder: Builder) => void, options: SendOptions = {}): Promise<Posting> {
        const { valueNano = budget(toNano('2')), from = sender } = options;
        const before = await from.getBalance();
        const { transactions } = await from.send({ to: verifier.address, value: valueNano, body: bodyOf(store) });
        const { exitCode, gasUsed } = computePhaseOf(transactions, verifier.address);
        const paidNano = before - (await from.getBalance());
        return { verdict: exitCode === 0 ? 'taken' : reasonOf(exitCode), gasUsed, paidNano };
    }

    const postTcbInfo = ({ content: text, issuer: signer }: PackedPosting, options?: SendOptions) =>
        send(storePostTcbInfo({ $$type: 'PostTcbInfo', queryId: 1n, text, signer }), options);
    const postQeIdentity = ({ content: text, issuer: signer }: PackedPosting, options?: SendOptions) =>
        send(storePostQeIdentity({ $$type: 'PostQeIdentity', queryId: 1n, text, signer }), options);
    const postList = (list: Cell, authority: Cell | null, options?: SendOptions) =>
        send(storePostRevocationList({ $$type: 'PostRevocationList', queryId: 1n, list, authority }), options);
    const postRootList = (set: Collateral, options?: SendOptions) => postList(packRootList(set), null, options);
    const postPckList = (set: Collateral, options?: SendOptions) => {
        const { content, issuer } = packPckList(set);
        return postList(content, issuer, options);
    };

    /** Everything of a set, in the order in which the contract takes it. */
    async function postAll(set: Collateral): Promise<string[]> {
        const postings = [await postRootList(set), await postPckList(set)];
        postings.push(await postTcbInfo(packTcbInfo(set)), await postQeIdentity(packQeIdentity(set)));
        return postings.map(({ verdict }) => verdict);
    }

    return {
        ...environment,
        postTcbInfo,
        postQeIdentity,
        postList,
        postRootList,
        postPckList,
        postAll,
        setFloor: (evaluation: number, options?: SendOptions) =>
            send(
                storeSetEvaluationFloor({
                    $$type: 'SetEvaluationFloor',
                    queryId: 1n,
                    evaluation: BigInt(evaluation),
                }),
                { from: environment.registry, ...options },
            ),
        pruneTcbInfo: (fmspc: Buffer, evaluation: number) =>
            send(
                storePruneTcbInfo({
                    $$type: 'PruneTcbInfo',
                    queryId: 1n,
                    fmspc: BigInt(`0x${fmspc.toString('hex')}`),
                    evaluation: BigInt(evaluation),
                }),
            ),
        pruneQeIdentity: (evaluation: number) =>
            send(storePruneQeIdentity({ $$type: 'PruneQeIdentity', queryId: 1n, evaluation: BigInt(evaluation) })),
        prunePck: (keyHash: Buffer) =>
            send(storePrunePck({ $$type: 'PrunePck', queryId: 1n, keyHash: BigInt(`0x${keyHash.toString('hex')}`) })),
    };
}

export type Postbox = Awaited<ReturnType<typeof createPostbox>>;
