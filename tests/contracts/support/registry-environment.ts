import { Address, beginCell, Cell, toNano } from '@ton/core';
import { SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox';
import { storeQuoteVerified } from '../../../build/Registry/Registry_Registry';
import {
    authorizationCell,
    authorizationDigest,
    GovernanceAction,
    KeyBundle,
    keyBundleCell,
    keyBundleHash,
    Provider,
    Registry,
    RegistryParameters,
} from '../../../wrappers';
import { uint256 } from '../../../wrappers/uint256';
import { budget, createBlockchain } from '../../support/fee-config';
import { watchMoney } from './conservation';
import { testKey } from './ed25519';

export const startTime = 1_900_000_000;
export const day = 86_400;
export const governanceDelaySec = 3600;

export const imageId = Buffer.alloc(32, 0x11);
export const modelRoot = Buffer.alloc(32, 0x22);
export const platformId = Buffer.alloc(32, 0x33);

/** What a new registry starts with. */
export const parameters: RegistryParameters = {
    minBondNano: toNano('10'),
    maxKeyLifeSec: 3 * day,
    minHubBondNano: toNano('10'),
    minClientVerifiedBondNano: toNano('100'),
    maxKeysPerPlatform: 4,
    maxHubFeeBps: 2_000,
    minCloseDelaySec: 600,
};

export interface VerifiedOptions {
    /** changes to the bundle, before it is attested */
    bundle?: Partial<KeyBundle>;
    /** another cell in the bundle's place, attested as it is */
    bundleCell?: Cell;
    /** what the quote says, when not what the bundle says */
    attestedImageId?: Buffer;
    attestedBundleHash?: Buffer;
    attestedBlock?: Buffer;
    platformId?: Buffer;
    /** of the platform, by its number */
    status?: number;
    /** evaluation data number of the collateral */
    evaluation?: number;
    evidence?: Cell;
    authorization?: Cell;
    valueNano?: bigint;
    queryId?: bigint;
    responseTo?: Address;
    from?: SandboxContract<TreasuryContract>;
}

export type RegistryEnvironment = Awaited<ReturnType<typeof createRegistry>>;

/** A registry that governs a verifier which the test plays itself, with one image, one model and one bonded provider. */
export async function createRegistry(options: { delaySec?: number; isBare?: boolean } = {}) {
    const blockchain = await createBlockchain();
    blockchain.now = startTime;
    const [owner, guardian, stranger, verifier, providerOwner, registrar] = [
        await blockchain.treasury('owner'),
        await blockchain.treasury('guardian'),
        await blockchain.treasury('stranger'),
        await blockchain.treasury('verifier'),
        await blockchain.treasury('provider owner'),
        await blockchain.treasury('registrar'),
    ] as const;
    const delaySec = options.delaySec ?? governanceDelaySec;
    const registry = blockchain.openContract(
        await Registry.createFromConfig({
            kind: 'development',
            rootKey: Buffer.alloc(64, 0x77),
            owner: owner.address,
            guardian: guardian.address,
            governanceDelaySec: delaySec,
            salt: 1,
        }),
    );
    const operator = testKey('operator');
    const provider = blockchain.openContract(
        await Provider.createFromConfig({ registry: registry.address, owner: providerOwner.address }),
    );
    const money = await watchMoney(blockchain);
    await registry.sendDeploy(stranger.getSender());

    async function propose(action: GovernanceAction, by = owner) {
        const result = await registry.sendPropose(by.getSender(), { action });
        const proposals = await registry.getProposals();
        return { result, proposalId: proposals[proposals.length - 1]?.id ?? 0 };
    }

    /** Proposes, waits, executes. */
    async function govern(action: GovernanceAction): Promise<SendMessageResult> {
        const { proposalId } = await propose(action);
        blockchain.now = blockchain.now! + delaySec;
        return registry.sendExecute(stranger.getSender(), { proposalId });
    }

    /** SetParameters with some of them changed. */
    async function setParameters(changes: Partial<RegistryParameters>) {
        return govern({ kind: 'setParameters', ...parameters, ...changes });
    }

    if (!options.isBare) {
        await govern({ kind: 'setVerifier', verifier: verifier.address });
        await govern({ kind: 'allowImage', imageId, imageKind: 'tdx', name: 'node image' });
        await govern({ kind: 'allowModel', modelRoot, name: 'toy' });
        await provider.sendCreate(providerOwner.getSender(), { operatorKey: operator.publicKey });
        await provider.sendBond(providerOwner.getSender(), { valueNano: toNano('31') });
    }

    function bundleOf(changes: Partial<KeyBundle> = {}): KeyBundle {
        return {
            network: registry.network,
            provider: provider.address.hash,
            role: 1,
            suite: 1,
            signingKey: testKey('node 0').publicKey,
            imageId,
            modelRoot,
            gpuEvidenceDigest: Buffer.alloc(32),
            mcSeqno: 4200,
            mcRootHash: Buffer.alloc(32, 0x44),
            notAfter: blockchain.now! + 2 * day,
            ...changes,
        };
    }

    function authorize(bundleHash: Buffer): Cell {
        const scope = { network: registry.network, provider: provider.address.hash };
        return authorizationCell(operator.sign(authorizationDigest({ ...scope, bundleHash })));
    }

    /** QuoteVerified, as the governed verifier would send it. */
    async function verified(quote: VerifiedOptions = {}): Promise<SendMessageResult> {
        const bundle = bundleOf(quote.bundle);
        const bundleHash = quote.attestedBundleHash ?? keyBundleHash(bundle);
        const evidence = beginCell()
            .storeBuffer(quote.attestedBlock ?? bundle.mcRootHash)
            .storeUint(0x10000000, 64)
            .storeUint(quote.status ?? 0, 8)
            .storeUint(quote.evaluation ?? 18, 32)
            .storeUint(0x90c06f000000, 48);
        const body = beginCell().store(
            storeQuoteVerified({
                $$type: 'QuoteVerified',
                queryId: quote.queryId ?? 5n,
                imageId: uint256('imageId', quote.attestedImageId ?? bundle.imageId),
                platformId: uint256('platformId', quote.platformId ?? platformId),
                bundleHash: uint256('bundleHash', bundleHash),
                responseTo: quote.responseTo ?? registrar.address,
                bundle: quote.bundleCell ?? keyBundleCell(bundle),
                authorization: quote.authorization ?? authorize(keyBundleHash(bundle)),
                evidence: quote.evidence ?? evidence.endCell(),
            }),
        );
        const value = quote.valueNano ?? budget(toNano('0.5'));
        return (quote.from ?? verifier).send({ to: registry.address, value, body: body.endCell(), bounce: true });
    }

    return {
        blockchain,
        owner,
        guardian,
        stranger,
        verifier,
        providerOwner,
        registrar,
        registry,
        provider,
        operator,
        money,
        propose,
        govern,
        setParameters,
        bundleOf,
        authorize,
        verified,
        pass(seconds: number) {
            blockchain.now = blockchain.now! + seconds;
        },
        async balanceOf(address: Address) {
            return (await blockchain.getContract(address)).balance;
        },
    };
}
