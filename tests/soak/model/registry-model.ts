import {
    accept,
    acceptIfPaid,
    answer,
    Arrival,
    excess,
    Expected,
    refuse,
    registrationRefused,
    Verdict,
} from './arrival';
import { Action, Attestation, Letter } from './letter';

/** The network's trust, as docs and messages.tact promise it. */
export interface RegistryModel {
    address: string;
    owner: string;
    guardian: string;
    verifier: string;
    governanceDelaySec: number;
    version: number;
    minBondNano: bigint;
    minClientVerifiedBondNano: bigint;
    minHubBondNano: bigint;
    maxKeyLifeSec: number;
    maxKeysPerPlatform: number;
    /** image id -> who verifies its evidence */
    images: Map<string, 'chain' | 'clients'>;
    models: Set<string>;
    deniedPlatforms: Set<string>;
    /** platform -> provider and key -> its place */
    platformKeys: Map<string, Map<string, Place>>;
    /** registrations that were sent on to a provider */
    attempts: number;
    /** listed hub -> its bond */
    hubBonds: Map<string, bigint>;
    proposals: Map<number, { eta: number; action: Action }>;
    lastProposalId: number;
}

/** Of a key on its platform. */
export interface Place {
    endsAt: number;
    /** the registration that took it last */
    attempt: number;
}

const maxProposals = 32;

export function judgeRegistry(registry: RegistryModel, letter: Letter, at: Arrival): Verdict {
    switch (letter.op) {
        case 'topUp':
            return topUp(registry, at);
        case 'quoteVerified':
            return at.from === registry.verifier ? quoteVerified(registry, letter, at) : refuse('not the verifier');
        case 'registerByBond':
            return registerByBond(registry, letter, at);
        case 'keyRefused':
            return at.from === letter.refused.provider ? keyRefused(registry, letter, at) : refuse('not who was asked');
        case 'recheck':
            return recheck(registry, letter, at);
        case 'prunePlatform':
            return prunePlatform(registry, letter.platformId, at);
        case 'listHub':
            return listHub(registry, at);
        case 'unlistHub':
            return unlistHub(registry, at);
        case 'propose':
            return propose(registry, letter.action, at);
        case 'execute':
            return execute(registry, letter.proposalId, at);
        case 'cancel':
            return cancel(registry, letter.proposalId, at);
        case 'denyPlatform':
            return denyPlatform(registry, letter.platformId, at);
        case 'bounced':
            return bounced(registry, letter.of, at);
        default:
            return refuse('not a message of the registry');
    }
}

export function hubBondsNano(registry: RegistryModel): bigint {
    return [...registry.hubBonds.values()].reduce((sum, bond) => sum + bond, 0n);
}

function topUp(registry: RegistryModel, at: Arrival): Verdict {
    const needed = hubBondsNano(registry) + at.announced.reserveNano;
    if (at.balanceBeforeNano + at.valueNano < needed) return refuse('not enough value');
    return acceptIfPaid(at, () => []);
}

function quoteVerified(registry: RegistryModel, letter: Attestation, at: Arrival): Verdict {
    const reason =
        registrationRefusal(registry, letter, 'chain', at.nowSec) ?? platformRefusal(registry, letter, at.nowSec);
    return answer(at, registrationRefused(letter.responseTo), reason, () => {
        const keys = liveKeys(registry, letter.platformId, at.nowSec, letter);
        const known = registry.platformKeys.get(letter.platformId)?.get(keyName(letter));
        const recorded = recordKey(registry, letter, registry.minBondNano);
        keys.set(keyName(letter), {
            endsAt: Math.max(letter.notAfter, known?.endsAt ?? 0),
            attempt: registry.attempts,
        });
        registry.platformKeys.set(letter.platformId, keys);
        return [recorded];
    });
}

/** What only clients can verify: under a higher bond, and of no platform. */
function registerByBond(registry: RegistryModel, letter: Attestation, at: Arrival): Verdict {
    const reason = registrationRefusal(registry, letter, 'clients', at.nowSec);
    return answer(at, registrationRefused(letter.responseTo), reason, () => {
        const attested = { ...letter, platformId: '0'.repeat(64) };
        return [recordKey(registry, attested, registry.minClientVerifiedBondNano)];
    });
}

function recordKey(registry: RegistryModel, attestation: Attestation, shareNano: bigint): Expected {
    registry.attempts += 1;
    const letter: Letter = { ...attestation, op: 'recordKey', shareNano, attempt: registry.attempts };
    return { to: attestation.provider, name: 'RecordKey', letter };
}

function keyRefused(registry: RegistryModel, letter: Letter & { op: 'keyRefused' }, at: Arrival): Verdict {
    const { refused, attempt, knownUntil } = letter;
    return accept(() => {
        releasePlace(registry, refused, attempt, knownUntil, at.nowSec);
        return [registrationRefused(refused.responseTo)];
    });
}

/** What the provider knows of the key all the same is what its place is for, unless a later registration holds it. */
function releasePlace(
    registry: RegistryModel,
    refused: Attestation,
    attempt: number,
    knownUntil: number,
    nowSec: number,
): void {
    const place = registry.platformKeys.get(refused.platformId)?.get(keyName(refused));
    if (place === undefined || place.attempt !== attempt || knownUntil >= place.endsAt) return;
    const live = liveKeys(registry, refused.platformId, nowSec, refused);
    if (knownUntil >= nowSec) live.set(keyName(refused), { endsAt: knownUntil, attempt });
    storePlatform(registry, refused.platformId, live);
}

function storePlatform(registry: RegistryModel, platformId: string, live: Map<string, Place>): void {
    if (live.size === 0) registry.platformKeys.delete(platformId);
    else registry.platformKeys.set(platformId, live);
}

function registrationRefusal(
    registry: RegistryModel,
    letter: Attestation,
    verifiedBy: 'chain' | 'clients',
    nowSec: number,
): string | null {
    if (letter.notAfter <= nowSec) return 'bundle has expired';
    if (letter.notAfter > nowSec + registry.maxKeyLifeSec) return 'bundle outlives the longest key life';
    if (registry.images.get(letter.imageId) !== verifiedBy) return 'image not allowed, or of another kind';
    return registry.models.has(letter.modelRoot) ? null : 'model not allowed';
}

function platformRefusal(registry: RegistryModel, letter: Attestation, nowSec: number): string | null {
    if (registry.deniedPlatforms.has(letter.platformId)) return 'platform is denied';
    const others = liveKeys(registry, letter.platformId, nowSec, letter).size;
    return others < registry.maxKeysPerPlatform ? null : 'platform has too many keys';
}

/** Live keys of a platform, apart from the given one. */
function liveKeys(registry: RegistryModel, platformId: string, nowSec: number, but?: Attestation): Map<string, Place> {
    const known = [...(registry.platformKeys.get(platformId) ?? [])];
    return new Map(known.filter(([name, { endsAt }]) => endsAt >= nowSec && (!but || name !== keyName(but))));
}

function keyName({ provider, nodeKey }: Attestation): string {
    return `${provider} ${nodeKey}`;
}

function prunePlatform(registry: RegistryModel, platformId: string, at: Arrival): Verdict {
    if (!registry.platformKeys.has(platformId)) return refuse('no keys of this platform');
    return acceptIfPaid(at, () => {
        storePlatform(registry, platformId, liveKeys(registry, platformId, at.nowSec));
        return [excess(at.from)];
    });
}

function recheck(registry: RegistryModel, letter: Letter & { op: 'recheck' }, at: Arrival): Verdict {
    const { provider, nodeKey, hub, cause, id } = letter;
    const isTrusted = {
        imageId: registry.images.has(id),
        modelRoot: registry.models.has(id),
        platformId: !registry.deniedPlatforms.has(id),
    }[cause];
    if (isTrusted) return refuse('still trusted');
    const distrust: Letter = { op: 'distrustKey', payer: at.from, nodeKey, hub, cause, id };
    return acceptIfPaid(at, () => [{ to: provider, name: 'DistrustKey', letter: distrust }]);
}

/** The value above the fees, and above what the registry itself lacks, joins the bond. */
function listHub(registry: RegistryModel, at: Arrival): Verdict {
    const { firstListingFeeNano, listingFeeNano, reserveNano } = at.announced;
    const known = registry.hubBonds.get(at.from);
    const storage = known === undefined ? firstListingFeeNano - listingFeeNano : 0n;
    const free = at.balanceBeforeNano + at.valueNano - hubBondsNano(registry) - reserveNano;
    const most = free < at.valueNano ? free : at.valueNano;
    const added = most - storage - listingFeeNano;
    if (added < 0n || (known ?? 0n) + added < registry.minHubBondNano) return refuse('hub bond too small');
    return accept(() => {
        registry.hubBonds.set(at.from, (known ?? 0n) + added);
        return [];
    });
}

function unlistHub(registry: RegistryModel, at: Arrival): Verdict {
    const bond = registry.hubBonds.get(at.from);
    if (bond === undefined) return refuse('hub is not listed');
    return acceptIfPaid(at, () => {
        registry.hubBonds.delete(at.from);
        return [{ to: at.from, name: 'Excesses', letter: { op: 'excesses' }, atLeastNano: bond }];
    });
}

function propose(registry: RegistryModel, action: Action, at: Arrival): Verdict {
    if (at.from !== registry.owner) return refuse('only the owner proposes');
    if (registry.proposals.size >= maxProposals) return refuse('too many proposals');
    return acceptIfPaid(at, () => {
        registry.lastProposalId += 1;
        registry.proposals.set(registry.lastProposalId, { eta: at.nowSec + registry.governanceDelaySec, action });
        return [excess(at.from)];
    });
}

function execute(registry: RegistryModel, proposalId: number, at: Arrival): Verdict {
    const proposal = registry.proposals.get(proposalId);
    if (!proposal) return refuse('no such proposal');
    if (at.nowSec < proposal.eta) return refuse('not due yet');
    return acceptIfPaid(at, () => {
        registry.proposals.delete(proposalId);
        registry.version += 1;
        apply(registry, proposal.action);
        return [excess(at.from)];
    });
}

function apply(registry: RegistryModel, action: Action): void {
    if (action.kind === 'allowPlatform') {
        registry.deniedPlatforms.delete(action.platformId);
        return;
    }
    const { minBondNano, minHubBondNano, maxKeysPerPlatform } = action;
    Object.assign(registry, { minBondNano, minHubBondNano, maxKeysPerPlatform });
}

function cancel(registry: RegistryModel, proposalId: number, at: Arrival): Verdict {
    if (!registry.proposals.has(proposalId)) return refuse('no such proposal');
    if (at.from !== registry.owner && at.from !== registry.guardian) return refuse('neither owner nor guardian');
    return acceptIfPaid(at, () => {
        registry.proposals.delete(proposalId);
        return [excess(at.from)];
    });
}

function denyPlatform(registry: RegistryModel, platformId: string, at: Arrival): Verdict {
    if (at.from !== registry.owner && at.from !== registry.guardian) return refuse('neither owner nor guardian');
    if (registry.deniedPlatforms.has(platformId)) return refuse('denied already');
    return acceptIfPaid(at, () => {
        registry.deniedPlatforms.add(platformId);
        registry.version += 1;
        return [excess(at.from)];
    });
}

/** No provider took the key, or none knows it: the payer gets the rest. */
function bounced(registry: RegistryModel, of: Letter, at: Arrival): Verdict {
    return accept(() => {
        if (of.op === 'recordKey') {
            releasePlace(registry, of, of.attempt, 0, at.nowSec);
            return [registrationRefused(of.responseTo)];
        }
        return of.op === 'distrustKey' ? [excess(of.payer)] : [];
    });
}
