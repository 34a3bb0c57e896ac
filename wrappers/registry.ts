import { Address, Cell, Contract, ContractProvider, Dictionary, Sender } from '@ton/core';
import { Registry as RegistryBinding, RegistryState as RawState } from '../build/Registry/Registry_Registry';
import { exitTexts } from './exit-texts';
import { decodeRegistryChange, encodeGovernanceAction, GovernanceAction, nameText } from './governance-actions';
import { providerErrors } from './provider';
import { uint256, uint256ToBytes } from './uint256';

export type NetworkKind = 'production' | 'development';

/** What a registry's address, and so a network's id, is computed from. */
export interface RegistryConfig {
    kind: NetworkKind;
    /** P-256 public key of the root that signs the TEE certificates of this network: x | y, 64 bytes */
    rootKey: Buffer;
    /** at deployment; `RegistryState` has the present one */
    owner: Address;
    /** at deployment; `RegistryState` has the present one */
    guardian: Address;
    governanceDelaySec: number;
    /** networks of one owner differ by it, 32 bits */
    salt: number;
}

export interface RegistryState extends RegistryConfig {
    /** counts the changes that took effect; never goes back */
    version: number;
    /** see `changeLogHash` */
    logHash: Buffer;
    /** null until governance sets one */
    verifier: Address | null;
    /** bond that every live key needs */
    minBondNano: bigint;
    /** a key lives no longer than this after its attestation */
    maxKeyLifeSec: number;
    minHubBondNano: bigint;
    /** stays in the account */
    storageReserveNano: bigint;
}

export interface Proposal {
    id: number;
    /** unix time in seconds from which anyone can execute it */
    executableAt: number;
    /** what executing it does */
    action: ReturnType<typeof decodeRegistryChange>;
}

export interface RegistryCallOptions {
    /** what is left of it comes back */
    valueNano?: bigint;
    queryId?: bigint;
}

/** Deploys and fills the storage reserve. */
const deployValueNano = 1_000_000_000n;
const callValueNano = 200_000_000n;

const kinds: Record<NetworkKind, bigint> = { production: 1n, development: 2n };

/** The network's trust and its governance. Errors of refused messages: `registryErrors`. */
export class Registry implements Contract {
    private constructor(private readonly binding: RegistryBinding) {}

    /** @throws RangeError when the root key is not 64 bytes */
    static async createFromConfig(config: RegistryConfig): Promise<Registry> {
        if (config.rootKey.length !== 64) throw new RangeError('rootKey must be x | y, 64 bytes');
        const binding = await RegistryBinding.fromInit(
            kinds[config.kind],
            uint256('rootKey x', config.rootKey.subarray(0, 32)),
            uint256('rootKey y', config.rootKey.subarray(32)),
            config.owner,
            config.guardian,
            BigInt(config.governanceDelaySec),
            BigInt(config.salt),
        );
        return new Registry(binding);
    }

    static createFromAddress(address: Address): Registry {
        return new Registry(RegistryBinding.fromAddress(address));
    }

    get address(): Address {
        return this.binding.address;
    }

    /** What bundles, receipts and caps call the network: the account id, 32 bytes. */
    get network(): Buffer {
        return this.address.hash;
    }

    get init(): { code: Cell; data: Cell } | undefined {
        return this.binding.init;
    }

    /** From anyone; the value stays and pays for storage. */
    async sendDeploy(provider: ContractProvider, via: Sender, options: RegistryCallOptions = {}) {
        const message = { $$type: 'TopUp', queryId: options.queryId ?? 0n } as const;
        await this.send(provider, via, options.valueNano ?? deployValueNano, message);
    }

    /** From the owner. Returns nothing; the proposal's id is in ProposalMade, and in `getProposals`. */
    async sendPropose(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & { action: GovernanceAction },
    ) {
        const action = encodeGovernanceAction(options.action);
        const message = { $$type: 'Propose', queryId: options.queryId ?? 0n, action } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From anyone, from the proposal's `executableAt` on. */
    async sendExecute(provider: ContractProvider, via: Sender, options: RegistryCallOptions & { proposalId: number }) {
        const proposalId = BigInt(options.proposalId);
        const message = { $$type: 'Execute', queryId: options.queryId ?? 0n, proposalId } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner, or from the guardian unless the proposal replaces owner or guardian. */
    async sendCancel(provider: ContractProvider, via: Sender, options: RegistryCallOptions & { proposalId: number }) {
        const proposalId = BigInt(options.proposalId);
        const message = { $$type: 'Cancel', queryId: options.queryId ?? 0n, proposalId } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner or the guardian, at once. */
    async sendRevokeImage(provider: ContractProvider, via: Sender, options: RegistryCallOptions & { imageId: Buffer }) {
        const imageId = uint256('imageId', options.imageId);
        const message = { $$type: 'RevokeImage', queryId: options.queryId ?? 0n, imageId } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner or the guardian, at once. */
    async sendRevokeModel(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & { modelRoot: Buffer },
    ) {
        const modelRoot = uint256('modelRoot', options.modelRoot);
        const message = { $$type: 'RevokeModel', queryId: options.queryId ?? 0n, modelRoot } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From the owner or the guardian, at once. */
    async sendDenyPlatform(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & { platformId: Buffer },
    ) {
        const platformId = uint256('platformId', options.platformId);
        const message = { $$type: 'DenyPlatform', queryId: options.queryId ?? 0n, platformId } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    async getState(provider: ContractProvider): Promise<RegistryState> {
        return readState(await this.binding.getState(provider));
    }

    async getImageAllowed(provider: ContractProvider, imageId: Buffer): Promise<boolean> {
        return this.binding.getImageAllowed(provider, uint256('imageId', imageId));
    }

    async getModelAllowed(provider: ContractProvider, modelRoot: Buffer): Promise<boolean> {
        return this.binding.getModelAllowed(provider, uint256('modelRoot', modelRoot));
    }

    async getPlatformDenied(provider: ContractProvider, platformId: Buffer): Promise<boolean> {
        return this.binding.getPlatformDenied(provider, uint256('platformId', platformId));
    }

    /** Allowed images: hex of the image id -> name. */
    async getImages(provider: ContractProvider): Promise<Map<string, string>> {
        return readNames(await this.binding.getImages(provider));
    }

    /** Allowed models: hex of the manifest root -> name. */
    async getModels(provider: ContractProvider): Promise<Map<string, string>> {
        return readNames(await this.binding.getModels(provider));
    }

    /** Hex of the denied platform ids. */
    async getDeniedPlatforms(provider: ContractProvider): Promise<Set<string>> {
        const raw = await this.binding.getDeniedPlatforms(provider);
        return new Set(raw.keys().map((id) => uint256ToBytes(id).toString('hex')));
    }

    /** Null: never made, executed or cancelled. */
    async getProposal(provider: ContractProvider, id: number): Promise<Proposal | null> {
        const raw = await this.binding.getProposal(provider, BigInt(id));
        if (raw === null) return null;
        return { id, executableAt: Number(raw.eta), action: decodeRegistryChange(raw.action) };
    }

    /** What waits, oldest first. */
    async getProposals(provider: ContractProvider): Promise<Proposal[]> {
        const raw = await this.binding.getProposals(provider);
        return [...raw]
            .map(([id, { eta, action }]) => ({
                id,
                executableAt: Number(eta),
                action: decodeRegistryChange(action),
            }))
            .sort((a, b) => a.id - b.id);
    }

    private async send(provider: ContractProvider, via: Sender, value: bigint, message: RegistryMessage) {
        await this.binding.send(provider, via, { value }, message);
    }
}

type RegistryMessage = Parameters<RegistryBinding['send']>[3];

/** Exit code of a refused message -> its text. */
export const registryErrors: ReadonlyMap<number, string> = exitTexts(RegistryBinding.errors, ['Registry']);

/** `reason` of RegistrationRefused, which the registry or the provider sends -> its text. */
export const registrationRefusals: ReadonlyMap<number, string> = new Map([...registryErrors, ...providerErrors]);

function readState(raw: RawState): RegistryState {
    return {
        kind: raw.kind === kinds.production ? 'production' : 'development',
        rootKey: Buffer.concat([uint256ToBytes(raw.rootKeyX), uint256ToBytes(raw.rootKeyY)]),
        owner: raw.owner,
        guardian: raw.guardian,
        governanceDelaySec: Number(raw.governanceDelaySec),
        salt: Number(raw.salt),
        version: Number(raw.version),
        logHash: uint256ToBytes(raw.logHash),
        verifier: raw.verifier,
        minBondNano: raw.minBond,
        maxKeyLifeSec: Number(raw.maxKeyLifeSec),
        minHubBondNano: raw.minHubBond,
        storageReserveNano: raw.reserve,
    };
}

function readNames(raw: Dictionary<bigint, Cell>): Map<string, string> {
    return new Map([...raw].map(([id, name]) => [uint256ToBytes(id).toString('hex'), nameText(name)]));
}
