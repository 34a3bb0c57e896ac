import { Address, beginCell, Builder, Cell, Slice } from '@ton/core';
import {
    loadAllowHubCode,
    loadAllowImage,
    loadAllowModel,
    loadAllowPlatform,
    loadDenyPlatform,
    loadRetireHubCode,
    loadRevokeHubCode,
    loadRevokeImage,
    loadRevokeModel,
    loadSetGuardian,
    loadSetOwner,
    loadSetParameters,
    loadSetQuotePolicy,
    loadSetVerifier,
    Registry as RegistryBinding,
    storeAllowHubCode,
    storeAllowImage,
    storeAllowModel,
    storeAllowPlatform,
    storeRetireHubCode,
    storeSetGuardian,
    storeSetOwner,
    storeSetParameters,
    storeSetQuotePolicy,
    storeSetVerifier,
} from '../build/Registry/Registry_Registry';
import { sha256 } from './digest';
import { type PlatformStatus, platformStatuses } from './platform-status';
import { StatementError } from './errors';
import { bytes32, writeUint32 } from './statement-fields';
import { uint256, uint256ToBytes } from './uint256';

/** What a proposal can do; hashes are 32 bytes, names at most 127 bytes of UTF-8. */
export type GovernanceAction =
    | { kind: 'allowImage'; imageId: Buffer; imageKind: ImageKind; name: string }
    | { kind: 'allowModel'; modelRoot: Buffer; name: string }
    | { kind: 'allowPlatform'; platformId: Buffer }
    | { kind: 'setVerifier'; verifier: Address }
    | ({ kind: 'setQuotePolicy' } & QuotePolicy)
    | ({ kind: 'setParameters' } & RegistryParameters)
    | { kind: 'setOwner'; owner: Address }
    | { kind: 'setGuardian'; guardian: Address }
    | { kind: 'allowHubCode'; codeHash: Buffer; codeDepth: number; name: string }
    | { kind: 'retireHubCode'; codeHash: Buffer; retiresAt: number };

/** What the chain asks of the platform behind a quote. */
export interface QuotePolicy {
    /** Intel's statuses that are good enough; `Revoked` never is */
    acceptedStatuses: PlatformStatus[];
    /** evaluation data number that collateral must reach; only rises */
    evaluationFloor: number;
}

/** `tdx`: its quotes are verified on chain; `sev-snp`: clients verify, its keys come by `sendRegisterByBond`. */
export type ImageKind = 'tdx' | 'sev-snp';

/** What governance sets; bounds are those of contracts/registry/actions.tact. */
export interface RegistryParameters {
    /** share of the bond of a key that the chain verified */
    minBondNano: bigint;
    /** a key lives no longer than this after its attestation; at most 30 days */
    maxKeyLifeSec: number;
    minHubBondNano: bigint;
    /** share of the bond of a key that only clients verify; not below `minBondNano` */
    minClientVerifiedBondNano: bigint;
    /** live keys of one platform, 1 to 7 */
    maxKeysPerPlatform: number;
    /** a listed hub's own maximum is not above it */
    maxHubFeeBps: number;
    /** a listed hub's close delay is not below it; 60 seconds to 30 days */
    minCloseDelaySec: number;
}

export const imageKinds: Record<ImageKind, bigint> = { tdx: 1n, 'sev-snp': 2n };

/** What takes effect at once. */
export type Revocation =
    | { kind: 'revokeImage'; imageId: Buffer }
    | { kind: 'revokeModel'; modelRoot: Buffer }
    | { kind: 'denyPlatform'; platformId: Buffer }
    | { kind: 'revokeHubCode'; codeHash: Buffer };

export function isRevocation(change: GovernanceAction | Revocation): change is Revocation {
    return (
        change.kind === 'revokeImage' ||
        change.kind === 'revokeModel' ||
        change.kind === 'denyPlatform' ||
        change.kind === 'revokeHubCode'
    );
}

/**
 * The `action` cell of Propose.
 * @throws StatementError when a field does not fit
 */
export function encodeGovernanceAction(action: GovernanceAction): Cell {
    return beginCell().store(actionWriter(action)).endCell();
}

function actionWriter(action: GovernanceAction): (builder: Builder) => void {
    switch (action.kind) {
        case 'allowImage': {
            const imageId = uint256('imageId', action.imageId);
            const kind = imageKinds[action.imageKind];
            return storeAllowImage({ $$type: 'AllowImage', imageId, kind, name: nameCell(action.name) });
        }
        case 'allowModel': {
            const modelRoot = uint256('modelRoot', action.modelRoot);
            return storeAllowModel({ $$type: 'AllowModel', modelRoot, name: nameCell(action.name) });
        }
        case 'allowPlatform':
            return storeAllowPlatform({
                $$type: 'AllowPlatform',
                platformId: uint256('platformId', action.platformId),
            });
        case 'setVerifier':
            return storeSetVerifier({ $$type: 'SetVerifier', verifier: action.verifier });
        case 'setQuotePolicy':
            return storeSetQuotePolicy({
                $$type: 'SetQuotePolicy',
                acceptedStatuses: statusBits(action.acceptedStatuses),
                evaluationFloor: BigInt(action.evaluationFloor),
            });
        case 'setParameters':
            return storeSetParameters({
                $$type: 'SetParameters',
                minBond: action.minBondNano,
                maxKeyLifeSec: BigInt(action.maxKeyLifeSec),
                minHubBond: action.minHubBondNano,
                minClientVerifiedBond: action.minClientVerifiedBondNano,
                maxKeysPerPlatform: BigInt(action.maxKeysPerPlatform),
                maxHubFeeBps: BigInt(action.maxHubFeeBps),
                minCloseDelaySec: BigInt(action.minCloseDelaySec),
            });
        case 'setOwner':
            return storeSetOwner({ $$type: 'SetOwner', owner: action.owner });
        case 'setGuardian':
            return storeSetGuardian({ $$type: 'SetGuardian', guardian: action.guardian });
        case 'allowHubCode':
            return storeAllowHubCode({
                $$type: 'AllowHubCode',
                codeHash: uint256('codeHash', action.codeHash),
                codeDepth: BigInt(action.codeDepth),
                name: nameCell(action.name),
            });
        case 'retireHubCode': {
            const codeHash = uint256('codeHash', action.codeHash);
            return storeRetireHubCode({ $$type: 'RetireHubCode', codeHash, retiresAt: BigInt(action.retiresAt) });
        }
    }
}

const changeReaders: Record<number, (slice: Slice) => GovernanceAction | Revocation> = {
    [RegistryBinding.opcodes.AllowImage]: (slice) => {
        const raw = loadAllowImage(slice);
        const imageKind = imageKindOf(raw.kind);
        return { kind: 'allowImage', imageId: uint256ToBytes(raw.imageId), imageKind, name: nameText(raw.name) };
    },
    [RegistryBinding.opcodes.AllowModel]: (slice) => {
        const raw = loadAllowModel(slice);
        return { kind: 'allowModel', modelRoot: uint256ToBytes(raw.modelRoot), name: nameText(raw.name) };
    },
    [RegistryBinding.opcodes.AllowPlatform]: (slice) => {
        return { kind: 'allowPlatform', platformId: uint256ToBytes(loadAllowPlatform(slice).platformId) };
    },
    [RegistryBinding.opcodes.SetVerifier]: (slice) => {
        return { kind: 'setVerifier', verifier: loadSetVerifier(slice).verifier };
    },
    [RegistryBinding.opcodes.SetQuotePolicy]: (slice) => {
        const raw = loadSetQuotePolicy(slice);
        const acceptedStatuses = statusesOf(raw.acceptedStatuses);
        return { kind: 'setQuotePolicy', acceptedStatuses, evaluationFloor: Number(raw.evaluationFloor) };
    },
    [RegistryBinding.opcodes.SetParameters]: (slice) => {
        const raw = loadSetParameters(slice);
        return {
            kind: 'setParameters',
            minBondNano: raw.minBond,
            maxKeyLifeSec: Number(raw.maxKeyLifeSec),
            minHubBondNano: raw.minHubBond,
            minClientVerifiedBondNano: raw.minClientVerifiedBond,
            maxKeysPerPlatform: Number(raw.maxKeysPerPlatform),
            maxHubFeeBps: Number(raw.maxHubFeeBps),
            minCloseDelaySec: Number(raw.minCloseDelaySec),
        };
    },
    [RegistryBinding.opcodes.SetOwner]: (slice) => ({ kind: 'setOwner', owner: loadSetOwner(slice).owner }),
    [RegistryBinding.opcodes.SetGuardian]: (slice) => {
        return { kind: 'setGuardian', guardian: loadSetGuardian(slice).guardian };
    },
    [RegistryBinding.opcodes.AllowHubCode]: (slice) => {
        const raw = loadAllowHubCode(slice);
        const codeDepth = Number(raw.codeDepth);
        return { kind: 'allowHubCode', codeHash: uint256ToBytes(raw.codeHash), codeDepth, name: nameText(raw.name) };
    },
    [RegistryBinding.opcodes.RetireHubCode]: (slice) => {
        const raw = loadRetireHubCode(slice);
        return { kind: 'retireHubCode', codeHash: uint256ToBytes(raw.codeHash), retiresAt: Number(raw.retiresAt) };
    },
    [RegistryBinding.opcodes.RevokeHubCode]: (slice) => {
        return { kind: 'revokeHubCode', codeHash: uint256ToBytes(loadRevokeHubCode(slice).codeHash) };
    },
    [RegistryBinding.opcodes.RevokeImage]: (slice) => {
        return { kind: 'revokeImage', imageId: uint256ToBytes(loadRevokeImage(slice).imageId) };
    },
    [RegistryBinding.opcodes.RevokeModel]: (slice) => {
        return { kind: 'revokeModel', modelRoot: uint256ToBytes(loadRevokeModel(slice).modelRoot) };
    },
    [RegistryBinding.opcodes.DenyPlatform]: (slice) => {
        return { kind: 'denyPlatform', platformId: uint256ToBytes(loadDenyPlatform(slice).platformId) };
    },
};

/**
 * Reads the `action` of a proposal or of a RegistryChanged event.
 * @throws StatementError when the registry could not have accepted it
 */
export function decodeRegistryChange(action: Cell): GovernanceAction | Revocation {
    const slice = action.beginParse();
    const tag = slice.remainingBits < 32 ? 0 : slice.preloadUint(32);
    const read = changeReaders[tag];
    if (read === undefined) {
        throw new StatementError('statement_field_invalid', `unknown governance action 0x${tag.toString(16)}`);
    }
    const change = read(slice);
    if (slice.remainingBits === 0 && slice.remainingRefs === 0) return change;
    throw new StatementError('statement_field_invalid', `governance action ${change.kind} with something added`);
}

/**
 * The next link of the registry's change log: SHA256(previous:32 | version:4 | hash of the action cell:32 | changed_at:4).
 * @throws StatementError when a field does not fit
 */
export function changeLogHash(options: {
    /** log hash before the change, 32 bytes; zeros before the first */
    previous: Buffer;
    /** after the change; the first is 1 */
    version: number;
    action: Cell;
    /** unix time in seconds */
    changedAt: number;
}): Buffer {
    const numbers = Buffer.alloc(8);
    writeUint32('version', options.version, numbers, 0);
    writeUint32('changedAt', options.changedAt, numbers, 4);
    const previous = bytes32('previous', options.previous);
    return sha256(previous, numbers.subarray(0, 4), options.action.hash(), numbers.subarray(4));
}

function statusBits(statuses: readonly PlatformStatus[]): bigint {
    return statuses.reduce((bits, status) => bits | (1n << BigInt(platformStatuses.indexOf(status))), 0n);
}

export function statusesOf(bits: bigint): PlatformStatus[] {
    return platformStatuses.filter((_, status) => (bits >> BigInt(status)) & 1n);
}

export function imageKindOf(raw: bigint): ImageKind {
    return raw === imageKinds['sev-snp'] ? 'sev-snp' : 'tdx';
}

export function nameText(name: Cell): string {
    return name
        .beginParse()
        .loadBuffer(Math.floor(name.bits.length / 8))
        .toString('utf8');
}

function nameCell(name: string): Cell {
    const bytes = Buffer.from(name, 'utf8');
    if (bytes.length > 127)
        throw new StatementError('statement_wrong_length', `name of ${bytes.length} bytes, at most 127`);
    return beginCell().storeBuffer(bytes).endCell();
}
