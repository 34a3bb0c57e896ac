import { Cell, toNano } from '@ton/core';
import { createDevelopmentPki, mintTdxQuote } from '../../../keepers/attestation';
import {
    authorizationCell,
    authorizationDigest,
    GovernanceAction,
    KeyBundle,
    keyBundleCell,
    keyBundleHash,
    possessionDigest,
    packQuote,
    Payout,
    Provider,
    QuoteVerifier,
    Registry,
    reportDataFor,
} from '../../../wrappers';
import { blocksWith, mintedEvaluation, postCollateral } from '../../contracts/attestation/support/environment';
import { mintedAtSec } from '../../contracts/attestation/support/minted-quote';
import { testKey } from '../../contracts/support/ed25519';
import { createBlockchain } from '../../support/fee-config';
import { builtOnce } from './scenario';

const governanceDelaySec = 3600;
const day = 86_400;
const modelRoot = Buffer.alloc(32, 0x22);
const sevSnpImageId = Buffer.alloc(32, 0x33);

const attestedBlock = Buffer.alloc(32, 0x44);

const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 9), now: new Date(mintedAtSec * 1000) });
const rootKey = pki.rootPublicKey.subarray(1);

export type Network = Awaited<ReturnType<typeof createNetwork>>;

export const createNetwork = builtOnce(deployNetwork);

/** Registry, verifier, hub and a bonded provider as they are deployed: nobody plays the part of a contract. */
async function deployNetwork() {
    const blockchain = await createBlockchain();
    blockchain.now = mintedAtSec;
    const [governor, owner, registrar, dispatcher] = [
        await blockchain.treasury('governor'),
        await blockchain.treasury('provider owner'),
        await blockchain.treasury('registrar'),
        await blockchain.treasury('dispatcher'),
    ] as const;
    const registry = blockchain.openContract(
        await Registry.createFromConfig({
            kind: 'development',
            rootKey,
            owner: governor.address,
            guardian: governor.address,
            governanceDelaySec,
            salt: 1,
        }),
    );
    await registry.sendDeploy(governor.getSender());
    const verifier = blockchain.openContract(
        await QuoteVerifier.createFromConfig({ registry: registry.address, kind: 2, rootKey }),
    );
    await verifier.sendDeploy(governor.getSender());
    const quoteOver = (reportData: Buffer) => mintTdxQuote({ pki, reportData }).quote;
    const sample = mintTdxQuote({ pki, reportData: Buffer.alloc(64) });
    await postCollateral(verifier, governor, sample.collateral);
    blockchain.prevBlocks = blocksWith(attestedBlock);
    const { imageId, platformId } = await verifier.getVerifiedQuote(packQuote(sample.quote), mintedEvaluation);

    async function govern(action: GovernanceAction): Promise<void> {
        await registry.sendPropose(governor.getSender(), { action });
        const proposalId = (await registry.getProposals()).at(-1)!.id;
        blockchain.now = blockchain.now! + governanceDelaySec;
        await registry.sendExecute(registrar.getSender(), { proposalId });
    }
    await govern({ kind: 'setVerifier', verifier: verifier.address });
    await govern({ kind: 'allowImage', imageId, imageKind: 'tdx', name: 'node image' });
    await govern({ kind: 'allowImage', imageId: sevSnpImageId, imageKind: 'sev-snp', name: 'other image' });
    await govern({ kind: 'allowModel', modelRoot, name: 'toy' });

    const operator = testKey('operator');
    const provider = blockchain.openContract(
        await Provider.createFromConfig({ registry: registry.address, owner: owner.address }),
    );
    await provider.sendCreate(owner.getSender(), { operatorKey: operator.publicKey });
    await provider.sendBond(owner.getSender(), { valueNano: toNano('131') });
    const hub = blockchain.openContract(
        await Payout.createFromConfig({
            registry: registry.address,
            operator: dispatcher.address,
            closeDelaySec: 3600,
            maxFeeBps: 1000,
            initialFeeBps: 250,
            salt: 0,
        }),
    );
    await hub.sendTopUp(dispatcher.getSender(), { valueNano: toNano('1') });
    const hubCode = hub.init!.code;
    await govern({ kind: 'allowHubCode', codeHash: hubCode.hash(), codeDepth: hubCode.depth(), name: 'hub' });

    function bundleOf(name: string, changes: Partial<KeyBundle> = {}): KeyBundle {
        return {
            network: registry.network,
            provider: provider.address.hash,
            role: 1,
            suite: 1,
            signingKey: testKey(name).publicKey,
            imageId,
            modelRoot,
            gpuEvidenceDigest: Buffer.alloc(32),
            mcSeqno: 4200,
            mcRootHash: attestedBlock,
            notAfter: blockchain.now! + 2 * day,
            ...changes,
        };
    }

    function authorizationOf(bundle: KeyBundle): Cell {
        const scope = { network: registry.network, provider: provider.address.hash };
        const digest = authorizationDigest({ ...scope, bundleHash: keyBundleHash(bundle) });
        return authorizationCell(operator.sign(digest));
    }

    /** A quote over a fresh bundle of the node's key, authorised by the operator key. */
    async function register(name: string) {
        const bundle = bundleOf(name);
        return verifier.sendVerify(registrar.getSender(), {
            quote: quoteOver(reportDataFor(bundle)),
            evaluation: mintedEvaluation,
            bundle: keyBundleCell(bundle),
            authorization: authorizationOf(bundle),
            responseTo: registrar.address,
        });
    }

    /** Of an image that only clients can verify. */
    async function registerByBond(name: string) {
        const bundle = bundleOf(name, { imageId: sevSnpImageId });
        const [authorization, responseTo] = [authorizationOf(bundle), registrar.address];
        const possession = testKey(name).sign(possessionDigest(keyBundleHash(bundle)));
        return registry.sendRegisterByBond(registrar.getSender(), { bundle, authorization, possession, responseTo });
    }

    return {
        blockchain,
        governor,
        owner,
        registrar,
        dispatcher,
        registry,
        verifier,
        provider,
        hub,
        imageId,
        platformId,
        modelRoot,
        governanceDelaySec,
        bundleOf,
        register,
        registerByBond,
        pass: (seconds: number) => {
            blockchain.now = blockchain.now! + seconds;
        },
    };
}
