/**
 * What a message means, said by whoever wrote it: for actors' messages by the operation that made it, for contracts' own by the
 * model of the contract. The model never reads a message back from the chain. Addresses are raw strings, keys and hashes hex.
 */
export type Letter = ActorLetter | ContractLetter | { op: 'bounced'; of: Letter };

export type ActorLetter =
    | { op: 'openEscrow'; client: string; sessionKey: string; sessionExpiresAt: number }
    | { op: 'topUp' }
    | { op: 'setSession'; sessionKey: string; sessionExpiresAt: number }
    | { op: 'closeEscrow' }
    | { op: 'withdraw' }
    | { op: 'settle'; queryId: bigint; escrow: string; epoch: number; lines: LineFacts[] }
    | { op: 'claim' }
    | { op: 'withdrawFees' }
    | { op: 'setFee'; feeBps: number }
    | { op: 'createProvider'; operatorKey: string }
    | { op: 'bond' }
    | { op: 'unbond'; amountNano: bigint }
    | { op: 'withdrawBond' }
    | { op: 'revokeKey'; nodeKey: string }
    | { op: 'requestAdmission'; nodeKey: string; hub: string }
    | { op: 'slash'; nodeKey: string; proves: boolean }
    | { op: 'pruneNode'; nodeKey: string }
    | { op: 'announceHub' }
    | { op: 'withdrawListing' }
    | ({ op: 'quoteVerified' } & Attestation)
    | ({ op: 'registerByBond' } & Attestation)
    | { op: 'recheck'; provider: string; nodeKey: string; hub: string; cause: Cause; id: string }
    | { op: 'prunePlatform'; platformId: string }
    | { op: 'propose'; action: Action }
    | { op: 'execute'; proposalId: number }
    | { op: 'cancel'; proposalId: number }
    | { op: 'denyPlatform'; platformId: string }
    /** nothing that a contract knows, or a contract's message from somebody else: refused everywhere */
    | { op: 'foreign' };

export type ContractLetter =
    | {
          op: 'charge';
          settler: string;
          queryId: bigint;
          epoch: number;
          lines: (LineFacts | null)[];
          owners: string[];
          isPadded: boolean;
      }
    | { op: 'charged'; queryId: bigint; settler: string; amounts: bigint[]; owners: string[] }
    | { op: 'acknowledgeCharge'; queryId: bigint }
    | ({ op: 'admitNode'; payer: string; owner: string; nodeKey: string } & KeyLife)
    /** attempt: tells registrations of one key apart */
    | ({ op: 'recordKey'; shareNano: bigint; attempt: number } & Attestation)
    /** knownUntil: when the key ends that the provider has all the same, 0: none */
    | { op: 'keyRefused'; refused: Attestation; attempt: number; knownUntil: number }
    | { op: 'distrustKey'; payer: string; nodeKey: string; hub: string; cause: Cause; id: string }
    | { op: 'listHub' }
    | { op: 'unlistHub' }
    | { op: 'excesses' };

/** What a key was attested with. */
export type Cause = 'imageId' | 'modelRoot' | 'platformId';

export interface KeyLife {
    suite: number;
    notAfter: number;
    /** 0: not revoked */
    revokedAt: number;
}

/** A node's key as a verified quote presents it. */
export interface Attestation {
    provider: string;
    nodeKey: string;
    suite: number;
    notAfter: number;
    bundleHash: string;
    imageId: string;
    modelRoot: string;
    platformId: string;
    responseTo: string;
    /** who signed the authorisation, hex of the key; empty: nobody */
    authorizedBy: string;
}

export type Action =
    | { kind: 'setParameters'; minBondNano: bigint; minHubBondNano: bigint; maxKeysPerPlatform: number }
    | { kind: 'allowPlatform'; platformId: string };

/** Where a signature counts. */
export interface Scope {
    escrow: string;
    epoch: number;
}

/** A settlement line, and who really signed what of it. */
export interface LineFacts {
    nodeKey: string;
    sessionKey: string;
    cumulativeNano: bigint;
    capNano: bigint;
    receiptScope: Scope;
    receiptSigner: string;
    capScope: Scope;
    capSigner: string;
    /** a cell too long or too short for the hub */
    isMalformed: boolean;
    /** drags cells along that nobody asked for and that forwarding must pay for */
    isPadded: boolean;
}
