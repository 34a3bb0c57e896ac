import { type Address, beginCell, type OpenedContract } from '@ton/core';
import type { GpuDocument } from '../attestation';
import { type ChainClient, ChainError, type ChainWallet, type NetworkReader } from '../chain';
import { errorMessage, type Logger } from '../base';
import type { Signer } from '../confidential';
import {
    authorizationDigest,
    type KeyBundle,
    keyBundleCell,
    keyBundleHash,
    Provider,
    QuoteVerifier,
    quoteVerifierErrors,
    registrationRefusals,
    encodeKeyBundle,
    reportDataFor,
    suiteOfKey,
} from '../../wrappers';
import { NodeError } from './errors';
import { attestGpus, type NodeGpus } from './gpu-source';
import type { QuoteSource } from './quote-source';

export interface RegistrationOptions {
    client: ChainClient;
    reader: NetworkReader;
    /** Pays for verification and admission. */
    wallet: ChainWallet;
    network: Buffer;
    verifier: Address;
    provider: Address;
    hub: Address;
    /** The provider's operator key: says which keys are its own. */
    operator: Signer;
    quotes: QuoteSource;
    /** The GPUs that the node declares, if any. */
    gpus?: NodeGpus;
    logger: Logger;
}

/** What the node shows to dispatchers and gateways. */
export interface Evidence {
    bundle: KeyBundle;
    bundleBytes: Buffer;
    quote: Buffer;
    gpuEvidence?: GpuDocument;
}

export interface BundleTerms {
    signingKey: Buffer;
    imageId: Buffer;
    modelRoot: Buffer;
    notAfter: number;
    block: { seqno: number; rootHash: Buffer };
}

/** Takes a quote over a fresh key bundle and has it recorded on chain: verifier, registry, provider, hub. */
export class Registration {
    constructor(private readonly options: RegistrationOptions) {}

    /** @throws NodeError with what the provider should do */
    async register(terms: BundleTerms): Promise<Evidence> {
        await this.checkProvider();
        const evidence = await this.attest(terms);
        await this.verifyOnChain(evidence);
        await this.admit(terms.signingKey);
        return evidence;
    }

    private async checkProvider(): Promise<void> {
        const { reader, provider, operator } = this.options;
        const state = await reader.provider(provider, { refresh: true });
        if (state === null)
            throw new NodeError(
                'bond_missing',
                `there is no provider at ${provider}: create it with the create-provider script, then bond`,
            );
        if (state.operatorKey?.equals(operator.publicKey) !== true) {
            throw new NodeError(
                'registration_failed',
                'operatorKeyFile is not the key that the provider contract names',
            );
        }
    }

    private async attest(terms: BundleTerms): Promise<Evidence> {
        const { network, provider, quotes, gpus } = this.options;
        const unattested: KeyBundle = {
            network,
            provider: provider.hash,
            role: 1,
            suite: suiteOfKey(terms.signingKey),
            signingKey: terms.signingKey,
            imageId: terms.imageId,
            modelRoot: terms.modelRoot,
            gpuEvidenceDigest: Buffer.alloc(32),
            mcSeqno: terms.block.seqno,
            mcRootHash: terms.block.rootHash,
            notAfter: terms.notAfter,
        };
        const attested = gpus === undefined ? null : await attestGpus(gpus, unattested);
        const bundle = { ...unattested, gpuEvidenceDigest: attested?.digest ?? unattested.gpuEvidenceDigest };
        return {
            bundle,
            bundleBytes: encodeKeyBundle(bundle),
            quote: await quotes.quote(reportDataFor(bundle)),
            ...(attested !== null && { gpuEvidence: attested.document }),
        };
    }

    private async verifyOnChain({ bundle, quote }: Evidence): Promise<void> {
        const { client, wallet, verifier, operator, network, provider, reader, logger } = this.options;
        const digest = authorizationDigest({ network, provider: provider.hash, bundleHash: keyBundleHash(bundle) });
        const authorization = beginCell().storeBuffer(operator.sign(digest)).endCell();
        const contract: OpenedContract<QuoteVerifier> = client.open(QuoteVerifier.createFromAddress(verifier));
        logger.info('posting the quote for verification on chain');
        const responseTo = wallet.address;
        try {
            await contract.sendVerify(wallet.sender(), {
                quote,
                bundle: keyBundleCell(bundle),
                authorization,
                responseTo,
            });
        } catch (error) {
            const message = `the chain did not verify the quote: ${reasonOf(error)}`;
            throw new NodeError('registration_failed', message, { action: 'retry', cause: error });
        }
        if ((await reader.providerKey(provider, bundle.signingKey, { refresh: true })) === null)
            throw await this.refused();
    }

    /** Registry and provider answer a refusal with its reason instead of throwing, so that the money comes back. */
    private async refused(): Promise<NodeError> {
        const { client, wallet } = this.options;
        const recent = await client.getTransactions(wallet.address, { limit: 10 });
        for (const { inMessage } of recent) {
            const body = inMessage?.body.beginParse();
            if (!body || body.remainingBits < 112 || body.loadUint(32) !== registrationRefusedOpcode) continue;
            const reason = body.skip(64).loadUint(16);
            return new NodeError(
                'registration_failed',
                registrationRefusals.get(reason) ?? `refused with reason ${reason}`,
            );
        }
        return new NodeError('registration_failed', 'the key was not recorded, and no reason came back', {
            action: 'retry',
        });
    }

    private async admit(nodeKey: Buffer): Promise<void> {
        const { client, wallet, provider, hub, reader, logger } = this.options;
        logger.info('asking the hub for admission');
        await client.open(Provider.createFromAddress(provider)).sendRequestAdmission(wallet.sender(), { nodeKey, hub });
        const admitted = await reader.node(hub, nodeKey, { refresh: true });
        if (admitted === null)
            throw new NodeError('registration_failed', 'the hub did not admit the key', { action: 'retry' });
    }
}

/** RegistrationRefused of contracts/messages.tact. */
const registrationRefusedOpcode = 0xc0c00504;

function reasonOf(error: unknown): string {
    const exitCode = error instanceof ChainError ? error.context['exitCode'] : undefined;
    return (typeof exitCode === 'number' ? quoteVerifierErrors.get(exitCode) : undefined) ?? errorMessage(error);
}
