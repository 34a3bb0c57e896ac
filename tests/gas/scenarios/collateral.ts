import type { SendMessageResult } from '@ton/sandbox';
import { beginCell, toNano } from '@ton/core';
import {
    storePruneQeIdentity,
    storePrunePck,
    storePruneTcbInfo,
    storeSetEvaluationFloor,
} from '../../../build/QuoteVerifier/QuoteVerifier_QuoteVerifier';
import { createDevelopmentPki, createPlatform, mintCollateral, mintTdxQuote } from '../../../keepers/attestation';
import { cutQuote, pckKeyHash } from '../../../wrappers/quote-packer';
import {
    authorization,
    blocksWith,
    bundle,
    createVerifier,
    mintedEvaluation,
    postCollateral,
} from '../../contracts/attestation/support/environment';
import { mintedAtSec } from '../../contracts/attestation/support/minted-quote';
import { budget } from '../../support/fee-config';
import { builtOnce, Operation } from './scenario';

const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 9), now: new Date(mintedAtSec * 1000) });
const platform = createPlatform(pki);
const { fmspc } = platform.facts;
/** As many as Intel's longest list has, and a few. */
const listedMachines = 60;
const revokedSerials = Array.from({ length: listedMachines }, (_, index) => Buffer.alloc(20, index + 1));
const yearSec = 366 * 86_400;
const collateral = mintCollateral(pki, platform, { pckCrl: { revokedSerials } });
const renewed = mintCollateral(pki, platform, { pckCrl: { revokedSerials }, issueDate: new Date(mintedAtSec * 1000) });

type Bench = Awaited<ReturnType<typeof createVerifier>>;

const holdsCollateral = builtOnce(async () => {
    const holding = await createVerifier({ rootKey: pki.rootPublicKey.subarray(1), nowSec: mintedAtSec });
    await postCollateral(holding.verifier, holding.sender, collateral);
    return holding;
});

async function bench(act: (bench: Bench) => Promise<SendMessageResult>): Promise<Operation> {
    const holding = await holdsCollateral();
    return { blockchain: holding.blockchain, result: await act(holding) };
}

/** Each replaces what is held: what a registrar does every month. */
export const postRootList = () =>
    bench(({ verifier, sender }) => {
        const { root_ca_crl: list, pck_crl_issuer_chain: issuerChain } = renewed;
        return verifier.sendPostRootRevocationList(sender.getSender(), { list, issuerChain });
    });

export const postPckList60 = () =>
    bench(({ verifier, sender }) => {
        const { pck_crl: list, pck_crl_issuer_chain: issuerChain } = renewed;
        return verifier.sendPostPckRevocationList(sender.getSender(), { list, issuerChain });
    });

export const postTcbInfo = () =>
    bench(({ verifier, sender }) =>
        verifier.sendPostTcbInfo(sender.getSender(), {
            text: renewed.tcb_info,
            signature: renewed.tcb_info_signature,
            issuerChain: renewed.tcb_info_issuer_chain,
        }),
    );

export const postQeIdentity = () =>
    bench(({ verifier, sender }) =>
        verifier.sendPostQeIdentity(sender.getSender(), {
            text: renewed.qe_identity,
            signature: renewed.qe_identity_signature,
            issuerChain: renewed.qe_identity_issuer_chain,
        }),
    );

/** The wrapper leaves the certificates out once the contract knows the key. */
export const reattestQuoteV4 = () => reattestQuote(4);
export const reattestQuoteV5 = () => reattestQuote(5);

function verify({ blockchain, verifier, sender }: Bench, version: 4 | 5): Promise<SendMessageResult> {
    const { quote } = mintTdxQuote({ pki, version, reportData: Buffer.alloc(64, 1) });
    blockchain.prevBlocks = blocksWith(Buffer.alloc(32, 1));
    return verifier.sendVerify(sender.getSender(), {
        quote,
        evaluation: mintedEvaluation,
        bundle,
        authorization,
        responseTo: sender.address,
    });
}

function reattestQuote(version: 4 | 5): Promise<Operation> {
    return bench(async (holding) => {
        await verify(holding, version);
        return verify(holding, version);
    });
}

function prune(store: Parameters<ReturnType<typeof beginCell>['store']>[0]): Promise<Operation> {
    return bench(async (holding) => {
        const { blockchain, verifier, sender, registry } = holding;
        await verify(holding, 4);
        const floor = { $$type: 'SetEvaluationFloor' as const, queryId: 0n, evaluation: BigInt(mintedEvaluation) + 1n };
        const value = budget(toNano('1'));
        const raise = beginCell().store(storeSetEvaluationFloor(floor)).endCell();
        await registry.send({ to: verifier.address, value, body: raise });
        blockchain.now = mintedAtSec + yearSec;
        return sender.send({ to: verifier.address, value, body: beginCell().store(store).endCell() });
    });
}

const evaluation = BigInt(mintedEvaluation);
const toBigInt = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
const keyHash = pckKeyHash(cutQuote(mintTdxQuote({ pki, version: 4, reportData: Buffer.alloc(64, 1) }).quote));

export const pruneTcbInfo = () =>
    prune(storePruneTcbInfo({ $$type: 'PruneTcbInfo', queryId: 0n, fmspc: toBigInt(fmspc), evaluation }));
export const pruneQeIdentity = () =>
    prune(storePruneQeIdentity({ $$type: 'PruneQeIdentity', queryId: 0n, evaluation }));
export const prunePck = () => prune(storePrunePck({ $$type: 'PrunePck', queryId: 0n, keyHash: toBigInt(keyHash) }));
