import { Address, beginCell, Cell, Contract, ContractProvider, Dictionary, Sender } from '@ton/core';
import {
    HubListing as RawListing,
    Registry as RegistryBinding,
    RegistryState as RawState,
} from '../build/Registry/Registry_Registry';
import { StatementError } from './errors';
import { exitTexts } from './exit-texts';
import {
    decodeRegistryChange,
    encodeGovernanceAction,
    GovernanceAction,
    ImageKind,
    imageKindOf,
    nameText,
    QuotePolicy,
    RegistryParameters,
    statusesOf,
} from './governance-actions';
import { KeyBundle, keyBundleCell } from './key-bundle';
import { providerErrors } from './provider';
import { fixedBytes } from './statement-fields';
import { withTupleItems } from './tuple-answers';
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

export interface RegistryState extends RegistryConfig, RegistryParameters {
    /** counts the changes that took effect; never goes back */
    version: number;
    /** see `changeLogHash` */
    logHash: Buffer;
    /** null until governance sets one */
    verifier: Address | null;
    quotePolicy: QuotePolicy;
    /** of all listed hubs together; goes back to them only */
    hubBondsNano: bigint;
    /** stays in the account besides the bonds */
    storageReserveNano: bigint;
}

export interface Proposal {
    id: number;
    /** unix time in seconds from which anyone can execute it */
    executableAt: number;
    /** what executing it does */
    action: ReturnType<typeof decodeRegistryChange>;
}

export interface AllowedImage {
    name: string;
    imageKind: ImageKind;
}

export interface HubCode {
    depth: number;
    name: string;
    /** unix time in seconds from which no hub with it is listed, null unless announced */
    retiresAt: number | null;
}

export interface HubListing {
    bondNano: bigint;
    /** of the hub's code, 32 bytes */
    codeHash: Buffer;
    /** https URL at which clients and nodes find the dispatcher */
    endpoint: string;
}

/** A live key of a platform, as the registry remembers it. */
export interface PlatformKey {
    /** unix time in seconds, inclusive */
    notAfter: number;
    /** 13 bytes of a hash over provider and key */
    fingerprint: Buffer;
}

export interface RegistryCallOptions {
    /** what is left of it comes back */
    valueNano?: bigint;
    queryId?: bigint;
}

/** Deploys and fills the storage reserve. */
const deployValueNano = 1_000_000_000n;
const callValueNano = 200_000_000n;

/** What a registration or a recheck takes through registry, provider and hub; the rest comes back. */
const throughValueNano = 500_000_000n;

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

    /** From the owner or the guardian, at once: no hub with this code is listed any more. */
    async sendRevokeHubCode(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & { codeHash: Buffer },
    ) {
        const codeHash = uint256('codeHash', options.codeHash);
        const message = { $$type: 'RevokeHubCode', queryId: options.queryId ?? 0n, codeHash } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /**
     * From anyone: records a key whose image only clients can verify, under the higher bond. A refusal comes to `responseTo`, with the value,
     * as RegistrationRefused.
     * @throws StatementError when a field of the bundle does not fit
     */
    async sendRegisterByBond(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & RegistrationByBond,
    ) {
        const message = {
            $$type: 'RegisterByBond',
            queryId: options.queryId ?? 0n,
            responseTo: options.responseTo,
            bundle: keyBundleCell(options.bundle),
            authorization: options.authorization,
            possession: beginCell()
                .storeBuffer(fixedBytes('possession', options.possession, 64))
                .endCell(),
        } as const;
        await this.send(provider, via, options.valueNano ?? throughValueNano, message);
    }

    /** From anyone: revokes a key that was attested with what governance distrusts by now, and tells the hub. */
    async sendRecheck(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & { provider: Address; hub: Address; nodeKey: Buffer; distrusted: Distrusted },
    ) {
        const { cause, id } = causeOf(options.distrusted);
        const message = {
            $$type: 'Recheck',
            queryId: options.queryId ?? 0n,
            provider: options.provider,
            hub: options.hub,
            nodeKey: uint256('nodeKey', options.nodeKey),
            cause,
            id,
        } as const;
        await this.send(provider, via, options.valueNano ?? throughValueNano, message);
    }

    /** From anyone: takes a hub off the list whose code was revoked or is retired; its bond goes back to it. */
    async sendPruneHub(provider: ContractProvider, via: Sender, options: RegistryCallOptions & { hub: Address }) {
        const message = { $$type: 'PruneHub', queryId: options.queryId ?? 0n, hub: options.hub } as const;
        await this.send(provider, via, options.valueNano ?? callValueNano, message);
    }

    /** From anyone: forgets a platform's expired keys. */
    async sendPrunePlatform(
        provider: ContractProvider,
        via: Sender,
        options: RegistryCallOptions & { platformId: Buffer },
    ) {
        const platformId = uint256('platformId', options.platformId);
        const message = { $$type: 'PrunePlatform', queryId: options.queryId ?? 0n, platformId } as const;
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

    /** Allowed images by the hex of their ids. */
    async getImages(provider: ContractProvider): Promise<Map<string, AllowedImage>> {
        const raw = await this.binding.getImages(provider);
        return new Map(
            [...raw].map(([id, { kind, name }]) => [
                uint256ToBytes(id).toString('hex'),
                { name: nameText(name), imageKind: imageKindOf(kind) },
            ]),
        );
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

    /** Codes that a hub may have to be listed, by the hex of their hashes. */
    async getHubCodes(provider: ContractProvider): Promise<Map<string, HubCode>> {
        const raw = await this.binding.getHubCodes(provider);
        return new Map(
            [...raw].map(([hash, { depth, retiresAt, name }]) => [
                uint256ToBytes(hash).toString('hex'),
                {
                    depth: Number(depth),
                    name: nameText(name),
                    retiresAt: retiresAt === 0n ? null : Number(retiresAt),
                },
            ]),
        );
    }

    /** Every listed hub, by its raw address. */
    async getHubs(provider: ContractProvider): Promise<Map<string, HubListing>> {
        const raw = await this.binding.getHubs(provider);
        return new Map([...raw].map(([hub, listing]) => [hub.toRawString(), readListing(listing)]));
    }

    /** Null: not listed. */
    async getHub(provider: ContractProvider, hub: Address): Promise<HubListing | null> {
        const raw = await this.binding.getHub(withTupleItems(provider), hub);
        return raw === null ? null : readListing(raw);
    }

    /** Keys of a platform; expired ones are among them until the next message about it. */
    async getPlatformKeys(provider: ContractProvider, platformId: Buffer): Promise<PlatformKey[]> {
        const raw = await this.binding.getPlatformKeys(provider, uint256('platformId', platformId));
        const keys: PlatformKey[] = [];
        for (const slice = (raw ?? Cell.EMPTY).beginParse(); slice.remainingBits > 0;) {
            keys.push({ notAfter: slice.loadUint(32), fingerprint: slice.loadBuffer(13) });
            slice.skip(8); // which registration took the place, for the contract only
        }
        return keys;
    }

    /** Null: never made, executed or cancelled. */
    async getProposal(provider: ContractProvider, id: number): Promise<Proposal | null> {
        const raw = await this.binding.getProposal(withTupleItems(provider), BigInt(id));
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

/** What a key was attested with and governance distrusts by now. */
export interface RegistrationByBond {
    bundle: KeyBundle;
    authorization: Cell;
    /** of `possessionDigest`, by the bundle's signing key under its suite, 64 bytes */
    possession: Buffer;
    responseTo: Address;
}

export type Distrusted = { imageId: Buffer } | { modelRoot: Buffer } | { platformId: Buffer };

function causeOf(distrusted: Distrusted): { cause: bigint; id: bigint } {
    if ('imageId' in distrusted) return { cause: 1n, id: uint256('imageId', distrusted.imageId) };
    if ('modelRoot' in distrusted) return { cause: 2n, id: uint256('modelRoot', distrusted.modelRoot) };
    return { cause: 3n, id: uint256('platformId', distrusted.platformId) };
}

type RegistryMessage = Parameters<RegistryBinding['send']>[3];

/** Exit code of a refused message -> its text. */
export const registryErrors: ReadonlyMap<number, string> = exitTexts(RegistryBinding.errors, ['Registry', 'Cocoon']);

/** `reason` of RegistrationRefused, the registry's own or the one that the provider gave it -> its text. */
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
        minClientVerifiedBondNano: raw.minClientVerifiedBond,
        maxKeysPerPlatform: Number(raw.maxKeysPerPlatform),
        maxHubFeeBps: Number(raw.maxHubFeeBps),
        minCloseDelaySec: Number(raw.minCloseDelaySec),
        quotePolicy: {
            acceptedStatuses: statusesOf(raw.acceptedStatuses),
            evaluationFloor: Number(raw.evaluationFloor),
        },
        hubBondsNano: raw.hubBonds,
        storageReserveNano: raw.reserve,
    };
}

/**
 * The `endpoint` of AnnounceHub and ListHub.
 * @throws StatementError when the registry would refuse it
 */
export function endpointCell(url: string): Cell {
    if (!/^https:\/\/[\x21-\x7e]{4,119}$/.test(url)) {
        throw new StatementError(
            'statement_field_invalid',
            'an endpoint is an https URL of 12 to 127 printable ASCII characters',
        );
    }
    return beginCell().storeBuffer(Buffer.from(url, 'latin1')).endCell();
}

function readListing(raw: RawListing): HubListing {
    return { bondNano: raw.bond, codeHash: uint256ToBytes(raw.codeHash), endpoint: nameText(raw.endpoint) };
}

function readNames(raw: Dictionary<bigint, Cell>): Map<string, string> {
    return new Map([...raw].map(([id, name]) => [uint256ToBytes(id).toString('hex'), nameText(name)]));
}
