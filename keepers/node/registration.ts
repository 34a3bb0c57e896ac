import { Address, beginCell, type OpenedContract } from '@ton/core';
import { type GpuDocument, inspectQuote } from '../attestation';
import { type ChainClient, ChainError, type NetworkReader } from '../chain';
import { errorMessage, type Logger } from '../base';
import type { Signer } from '../confidential';
import type { OutboxSender } from '../outbox';
import {
    authorizationDigest,
    possessionDigest,
    type KeyBundle,
    keyBundleCell,
    keyBundleHash,
    Provider,
    QuoteVerifier,
    quoteVerifierErrors,
    registrationRefusals,
    Registry,
    registryErrors,
    encodeKeyBundle,
    reportDataFor,
    usableEvaluation,
    suiteOfKey,
} from '../../wrappers';
import { NodeError } from './errors';
import { attestGpus, type NodeGpus } from './gpu-source';
import { RegistrationIntents } from './registration-intents';
import type { QuoteSource } from './quote-source';
import type { SnpEndorser } from './report-source';

export interface RegistrationOptions {
    client: ChainClient;
    reader: NetworkReader;
    /** Pays for verification and admission. */
    sender: OutboxSender;
    network: Buffer;
    verifier: Address;
    provider: Address;
    /** The provider's operator key: says which keys are its own. */
    operator: Signer;
    /** The node's own key, the one of `BundleTerms`: shows that it is the node's where no quote does. */
    signer: Signer;
    quotes: QuoteSource;
    /** Of a SEV-SNP guest, whose reports no contract verifies: certificates of the reports that `quotes` gives. */
    snp?: SnpEndorser;
    /** The GPUs that the node declares, if any. */
    gpus?: NodeGpus;
    logger: Logger;
}

/** What the node shows to dispatchers and gateways. */
export interface Evidence {
    bundle: KeyBundle;
    bundleBytes: Buffer;
    /** A SEV-SNP report where `snp` stands beside it. */
    quote: Buffer;
    snp?: { vek: Buffer; chain: string };
    gpuEvidence?: GpuDocument;
}

export interface BundleTerms {
    signingKey: Buffer;
    imageId: Buffer;
    modelRoot: Buffer;
    notAfter: number;
    block: { seqno: number; rootHash: Buffer };
}

/** Takes evidence over a fresh key bundle and has the key recorded on chain: verifier, registry, provider; then hubs admit it. */
export class Registration {
    private readonly intents: RegistrationIntents;

    constructor(private readonly options: RegistrationOptions) {
        this.intents = new RegistrationIntents(options);
    }

    /** @throws NodeError with what the provider should do */
    async register(terms: BundleTerms): Promise<Evidence> {
        await this.intents.reconcile();
        await this.checkProvider();
        const evidence = await this.attest(terms);
        await this.record(evidence);
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
        const { network, provider, quotes, snp, gpus } = this.options;
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
        const quote = await quotes.quote(reportDataFor(bundle));
        return {
            bundle,
            bundleBytes: encodeKeyBundle(bundle),
            quote,
            ...(snp !== undefined && { snp: await snp.certificatesOf(quote) }),
            ...(attested !== null && { gpuEvidence: attested.document }),
        };
    }

    /** The chain verifies the quote first; a SEV-SNP report it can't, and records the key for the higher bond alone. */
    private async record({ bundle, quote, snp }: Evidence): Promise<void> {
        const { client, sender, verifier, operator, network, provider, reader, logger } = this.options;
        const digest = authorizationDigest({ network, provider: provider.hash, bundleHash: keyBundleHash(bundle) });
        const authorization = beginCell().storeBuffer(operator.sign(digest)).endCell();
        const common = { authorization, responseTo: sender.wallet.address };
        const via = this.intents.registering(bundle);
        try {
            if (snp === undefined) {
                const contract = client.open(QuoteVerifier.createFromAddress(verifier));
                const evaluation = await this.evaluationFor(contract, quote);
                logger.info({ evaluation }, 'posting the quote for verification on chain');
                const options = { quote, evaluation, bundle: keyBundleCell(bundle), ...common };
                await contract.sendVerify(via, options);
            } else {
                logger.info('registering the key by its bond: clients verify the report, the chain does not');
                const contract = client.open(Registry.createFromAddress(new Address(0, network)));
                const possession = this.options.signer.sign(possessionDigest(keyBundleHash(bundle)));
                await contract.sendRegisterByBond(via, { bundle, possession, ...common });
            }
        } catch (error) {
            if (error instanceof NodeError) throw error;
            const what = snp === undefined ? 'verify the quote' : 'take the key';
            const message = `the chain did not ${what}: ${reasonOf(error)}`;
            throw new NodeError('registration_failed', message, { action: 'retry', cause: error });
        }
        if ((await reader.providerKey(provider, bundle.signingKey, { refresh: true })) === null)
            throw await this.refused();
    }

    /** Of the newest collateral on chain that judges this machine. */
    private async evaluationFor(verifier: OpenedContract<QuoteVerifier>, quote: Buffer): Promise<number> {
        const fmspc = Buffer.from(inspectQuote(quote).platform.fmspc, 'hex');
        const at = new Date((await this.options.client.getChainTimeSec()) * 1000);
        const evaluation = usableEvaluation(await verifier.getCollateral(), fmspc, at);
        if (evaluation !== null) return evaluation;
        const message = `the chain holds no collateral in force for the platform family ${fmspc.toString('hex')}: run a registrar for it, or post-collateral`;
        throw new NodeError('registration_failed', message, { action: 'retry' });
    }

    /** Registry and provider answer a refusal with its reason instead of throwing, so that the money comes back. */
    private async refused(): Promise<NodeError> {
        const { client, sender } = this.options;
        const recent = await client.getTransactions(sender.wallet.address, { limit: 10 });
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

    /** Tells a hub until when the recorded key is good. @throws NodeError when the hub does not admit it */
    async admitTo(hub: Address, nodeKey: Buffer): Promise<void> {
        const { client, provider, reader } = this.options;
        await client
            .open(Provider.createFromAddress(provider))
            .sendRequestAdmission(this.intents.admitting(nodeKey, hub), { nodeKey, hub });
        const admitted = await reader.node(hub, nodeKey, { refresh: true });
        if (admitted === null)
            throw new NodeError('registration_failed', `the hub ${hub.toRawString()} did not admit the key`, {
                action: 'retry',
            });
    }
}

/** RegistrationRefused of contracts/messages.tact. */
const registrationRefusedOpcode = 0xc0c00504;

function reasonOf(error: unknown): string {
    const exitCode = error instanceof ChainError ? error.context['exitCode'] : undefined;
    const known = (code: number) => quoteVerifierErrors.get(code) ?? registryErrors.get(code);
    return (typeof exitCode === 'number' ? known(exitCode) : undefined) ?? errorMessage(error);
}
