/** Bits of the guest policy (ABI, table "Guest Policy"): what the guest's owner allowed its host at launch. */
const bit = {
    smtAllowed: 16n,
    mustBeOne: 17n,
    migrationAgentAllowed: 18n,
    debugAllowed: 19n,
    singleSocket: 20n,
} as const;

/** Bits up to here are named by the specification; a later one might allow the host something nobody here knows of. */
const knownBits = 26n;

export interface GuestPolicy {
    /** Every bit is one that this verifier knows, and the one that must be set is. */
    wellFormed: boolean;
    /** Sibling threads of a core may run at the same time: a wider door for side channels. */
    smtAllowed: boolean;
    /** Another guest, bound at launch, may receive this one's memory. */
    migrationAgentAllowed: boolean;
    /** The host may read and write the guest's memory. */
    debugAllowed: boolean;
    singleSocket: boolean;
}

export function readGuestPolicy(policy: bigint): GuestPolicy {
    const isSet = (position: bigint) => ((policy >> position) & 1n) === 1n;
    return {
        wellFormed: isSet(bit.mustBeOne) && policy >> knownBits === 0n,
        smtAllowed: isSet(bit.smtAllowed),
        migrationAgentAllowed: isSet(bit.migrationAgentAllowed),
        debugAllowed: isSet(bit.debugAllowed),
        singleSocket: isSet(bit.singleSocket),
    };
}
