import { Address, beginCell, Builder, Cell, Slice } from '@ton/core';
import {
    loadAllowImage,
    loadAllowModel,
    loadAllowPlatform,
    loadDenyPlatform,
    loadRevokeImage,
    loadRevokeModel,
    loadSetGuardian,
    loadSetOwner,
    loadSetParameters,
    loadSetVerifier,
    Registry as RegistryBinding,
    storeAllowImage,
    storeAllowModel,
    storeAllowPlatform,
    storeSetGuardian,
    storeSetOwner,
    storeSetParameters,
    storeSetVerifier,
} from '../build/Registry/Registry_Registry';
import { sha256 } from './digest';
import { StatementError } from './errors';
import { bytes32, writeUint32 } from './statement-fields';
import { uint256, uint256ToBytes } from './uint256';

/** What a proposal can do; hashes are 32 bytes, names at most 127 bytes of UTF-8. */
export type GovernanceAction =
    | { kind: 'allowImage'; imageId: Buffer; name: string }
    | { kind: 'allowModel'; modelRoot: Buffer; name: string }
    | { kind: 'allowPlatform'; platformId: Buffer }
    | { kind: 'setVerifier'; verifier: Address }
    | { kind: 'setParameters'; minBondNano: bigint; maxKeyLifeSec: number; minHubBondNano: bigint }
    | { kind: 'setOwner'; owner: Address }
    | { kind: 'setGuardian'; guardian: Address };

/** What takes effect at once. */
export type Revocation =
    | { kind: 'revokeImage'; imageId: Buffer }
    | { kind: 'revokeModel'; modelRoot: Buffer }
    | { kind: 'denyPlatform'; platformId: Buffer };

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
            return storeAllowImage({ $$type: 'AllowImage', imageId, name: nameCell(action.name) });
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
        case 'setParameters':
            return storeSetParameters({
                $$type: 'SetParameters',
                minBond: action.minBondNano,
                maxKeyLifeSec: BigInt(action.maxKeyLifeSec),
                minHubBond: action.minHubBondNano,
            });
        case 'setOwner':
            return storeSetOwner({ $$type: 'SetOwner', owner: action.owner });
        case 'setGuardian':
            return storeSetGuardian({ $$type: 'SetGuardian', guardian: action.guardian });
    }
}

const changeReaders: Record<number, (slice: Slice) => GovernanceAction | Revocation> = {
    [RegistryBinding.opcodes.AllowImage]: (slice) => {
        const raw = loadAllowImage(slice);
        return { kind: 'allowImage', imageId: uint256ToBytes(raw.imageId), name: nameText(raw.name) };
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
    [RegistryBinding.opcodes.SetParameters]: (slice) => {
        const raw = loadSetParameters(slice);
        const maxKeyLifeSec = Number(raw.maxKeyLifeSec);
        return { kind: 'setParameters', minBondNano: raw.minBond, maxKeyLifeSec, minHubBondNano: raw.minHubBond };
    },
    [RegistryBinding.opcodes.SetOwner]: (slice) => ({ kind: 'setOwner', owner: loadSetOwner(slice).owner }),
    [RegistryBinding.opcodes.SetGuardian]: (slice) => {
        return { kind: 'setGuardian', guardian: loadSetGuardian(slice).guardian };
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
