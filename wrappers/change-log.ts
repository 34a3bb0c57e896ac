import { Cell } from '@ton/core';
import { loadRegistryChanged, Registry as RegistryBinding } from '../build/Registry/Registry_Registry';
import { StatementError } from './errors';
import { changeLogHash, decodeRegistryChange } from './governance-actions';
import { uint256ToBytes } from './uint256';

/** Where a reader of the change log stands: version and hash as the registry's `getState` gives them. */
export interface ChangeLogHead {
    version: number;
    /** 32 bytes; zeros before the first change */
    logHash: Buffer;
}

export interface LoggedChange extends ChangeLogHead {
    /** unix time in seconds */
    changedAt: number;
    /** what changed */
    change: ReturnType<typeof decodeRegistryChange>;
}

export const emptyChangeLog: ChangeLogHead = { version: 0, logHash: Buffer.alloc(32) };

/** Whether the body of an external-out message of the registry is a RegistryChanged event. */
export function isRegistryChanged(body: Cell): boolean {
    return body.bits.length >= 32 && body.beginParse().preloadUint(32) === RegistryBinding.opcodes.RegistryChanged;
}

/**
 * Follows the registry's log from `from`: recomputes every link from the events, in order, and ends where the registry says it is. Whoever
 * left out, changed or made up an event cannot reach that hash.
 * @param bodies bodies of the registry's external-out messages, oldest first; those that are no changes are passed over
 * @param head what `getState` of the registry says
 * @throws StatementError when an event does not follow from the one before, or the last is not `head`
 */
export function followChangeLog(
    bodies: Iterable<Cell>,
    options: { from?: ChangeLogHead; head: ChangeLogHead },
): LoggedChange[] {
    const changes: LoggedChange[] = [];
    let at = options.from ?? emptyChangeLog;
    for (const body of bodies) {
        if (!isRegistryChanged(body)) continue;
        const change = readChange(body);
        if (change.version <= at.version) continue;
        requireNext(at, change);
        changes.push(change);
        at = change;
    }
    if (at.version === options.head.version && at.logHash.equals(options.head.logHash)) return changes;
    throw broken(`the events end at version ${at.version}, the registry is at ${options.head.version}`);
}

interface ReadChange extends LoggedChange {
    action: Cell;
}

function readChange(body: Cell): ReadChange {
    const { version, changedAt, logHash, action } = loadRegistryChanged(body.beginParse());
    return {
        version: Number(version),
        changedAt: Number(changedAt),
        logHash: uint256ToBytes(logHash),
        action,
        change: decodeRegistryChange(action),
    };
}

function requireNext(previous: ChangeLogHead, { version, action, changedAt, logHash }: ReadChange): void {
    if (version !== previous.version + 1) throw broken(`version ${version} follows ${previous.version}`);
    const expected = changeLogHash({ previous: previous.logHash, version, action, changedAt });
    if (!expected.equals(logHash)) throw broken(`version ${version} has another hash than its change`);
}

function broken(message: string): StatementError {
    return new StatementError('statement_field_invalid', `change log: ${message}`);
}
