import { accept, acceptIfPaid, answer, Arrival, excess, Expected, refuse, Verdict } from './arrival';
import { ContractLetter, KeyLife, Letter } from './letter';

type Attested = Pick<ProviderKey, 'suite' | 'imageId' | 'modelRoot' | 'platformId'>;
type RecordKey = Extract<ContractLetter, { op: 'recordKey' }>;

export interface ProviderKey extends KeyLife {
    isSlashed: boolean;
    /** its part of the bond */
    shareNano: bigint;
    bundleHash: string;
    imageId: string;
    modelRoot: string;
    platformId: string;
}

/** A provider's bond and keys, as docs and messages.tact promise them. */
export interface ProviderModel {
    address: string;
    owner: string;
    registry: string;
    operatorKey: string;
    bondNano: bigint;
    unbondingNano: bigint;
    withdrawableAt: number;
    keys: Map<string, ProviderKey>;
    /** revoked keys that `keys` forgot */
    revoked: Set<string>;
}

/** Account id zero, whose key nobody has. */
export const nobody = `0:${'0'.repeat(64)}`;

const daySec = 86_400;
const unbondingDelaySec = 7 * daySec;
const evidenceWindowSec = 2 * daySec;
const expiredKeyGraceSec = 7 * daySec;

/** Last second in which two contradicting receipts of the key cost its share: revoking it changes nothing about that. */
function evidenceUntil({ notAfter }: KeyLife): number {
    return notAfter + evidenceWindowSec;
}

/** What keys that can still be slashed hold of the bond. */
export function requiredBondNano(provider: ProviderModel, nowSec: number): bigint {
    return [...provider.keys.values()]
        .filter((key) => !key.isSlashed && nowSec <= evidenceUntil(key))
        .reduce((sum, { shareNano }) => sum + shareNano, 0n);
}

/** Keys that expired long ago are forgotten whenever the keys are counted. */
function forgetOld(provider: ProviderModel, nowSec: number): void {
    for (const [nodeKey, { notAfter, revokedAt }] of provider.keys) {
        if (notAfter + expiredKeyGraceSec >= nowSec) continue;
        provider.keys.delete(nodeKey);
        if (revokedAt !== 0) provider.revoked.add(nodeKey);
    }
}

export function judgeProvider(provider: ProviderModel, letter: Letter, at: Arrival): Verdict {
    switch (letter.op) {
        case 'createProvider':
            return byOwner(provider, at, () => {
                provider.operatorKey = letter.operatorKey;
                return [excess(at.from)];
            });
        case 'bond':
            return bond(provider, at);
        case 'unbond':
            return unbond(provider, letter.amountNano, at);
        case 'withdrawBond':
            return withdrawBond(provider, at);
        case 'revokeKey':
            return revokeKey(provider, letter.nodeKey, at);
        case 'requestAdmission':
            return requestAdmission(provider, letter, at);
        case 'slash':
            return slash(provider, letter, at);
        case 'distrustKey':
            return distrust(provider, letter, at);
        case 'recordKey':
            return at.from === provider.registry ? recordKey(provider, letter, at) : refuse('not the registry');
        case 'bounced':
            return admissionBounced(letter.of);
        default:
            return refuse('not a message of a provider');
    }
}

function byOwner(provider: ProviderModel, at: Arrival, effect: () => Expected[]): Verdict {
    return at.from === provider.owner ? acceptIfPaid(at, effect) : refuse('only the owner');
}

/** What the reserve lacks is filled up first. */
function bond(provider: ProviderModel, at: Arrival): Verdict {
    const owed = provider.bondNano + provider.unbondingNano + at.announced.reserveNano;
    const free = at.balanceBeforeNano + at.valueNano - owed;
    const added = (free < at.valueNano ? free : at.valueNano) - at.announced.bondFeeNano;
    if (added <= 0n) return refuse('value below fees and reserve');
    return accept(() => {
        provider.bondNano += added;
        return [];
    });
}

function unbond(provider: ProviderModel, amountNano: bigint, at: Arrival): Verdict {
    if (at.from !== provider.owner) return refuse('only the owner unbonds');
    if (amountNano <= 0n || amountNano > provider.bondNano) return refuse('no such bond');
    const left = provider.bondNano - amountNano;
    if (left < requiredBondNano(provider, at.nowSec)) return refuse('needed by keys');
    return acceptIfPaid(at, () => {
        forgetOld(provider, at.nowSec);
        provider.bondNano = left;
        provider.unbondingNano += amountNano;
        provider.withdrawableAt = at.nowSec + unbondingDelaySec;
        return [excess(at.from)];
    });
}

function withdrawBond(provider: ProviderModel, at: Arrival): Verdict {
    if (at.from !== provider.owner) return refuse('only the owner withdraws');
    const amount = provider.unbondingNano;
    if (amount === 0n) return refuse('nothing to withdraw');
    if (at.nowSec < provider.withdrawableAt) return refuse('unbonding delay not over');
    return acceptIfPaid(at, () => {
        provider.unbondingNano = 0n;
        const slack = at.balanceBeforeNano - provider.bondNano - amount - at.announced.reserveNano;
        return [{ to: provider.owner, name: 'BondWithdrawn', atLeastNano: slack < 0n ? amount + slack : amount }];
    });
}

function revokeKey(provider: ProviderModel, nodeKey: string, at: Arrival): Verdict {
    const key = provider.keys.get(nodeKey);
    if (at.from !== provider.owner) return refuse('only the owner revokes');
    if (!key) return refuse('unknown key');
    if (key.revokedAt !== 0) return refuse('already revoked');
    return acceptIfPaid(at, () => {
        key.revokedAt = at.nowSec;
        return [excess(at.from)];
    });
}

function requestAdmission(provider: ProviderModel, letter: Letter & { op: 'requestAdmission' }, at: Arrival): Verdict {
    const key = provider.keys.get(letter.nodeKey);
    if (!key) return refuse('unknown key');
    return acceptIfPaid(at, () => [tellHub(provider, letter, key, at.from)]);
}

function tellHub(
    provider: ProviderModel,
    about: { nodeKey: string; hub: string },
    key: KeyLife,
    payer: string,
): Expected {
    const { suite, notAfter, revokedAt } = key;
    const { nodeKey, hub } = about;
    const letter: Letter = { op: 'admitNode', payer, nodeKey, owner: provider.owner, suite, notAfter, revokedAt };
    return { to: hub, name: 'AdmitNode', letter };
}

/** Governance distrusts what the key was attested with: no new work for it, and the hub hears of it. */
function distrust(provider: ProviderModel, letter: ContractLetter & { op: 'distrustKey' }, at: Arrival): Verdict {
    const key = provider.keys.get(letter.nodeKey);
    if (at.from !== provider.registry) return refuse('not the registry');
    if (key?.[letter.cause] !== letter.id) return refuse('not attested with it');
    return acceptIfPaid(at, () => {
        if (key.revokedAt === 0) key.revokedAt = at.nowSec;
        return [tellHub(provider, letter, key, letter.payer)];
    });
}

/** A tenth to the reporter, so that reporting oneself costs nine tenths; the rest to nobody. */
function slash(provider: ProviderModel, letter: Letter & { op: 'slash' }, at: Arrival): Verdict {
    const key = provider.keys.get(letter.nodeKey);
    if (!key) return refuse('unknown key');
    if (key.isSlashed) return refuse('slashed already');
    if (at.nowSec > evidenceUntil(key)) return refuse('too late');
    if (!letter.proves) return refuse('proves nothing');
    return acceptIfPaid(at, () => {
        const reward = key.shareNano / 10n;
        provider.bondNano -= key.shareNano;
        key.isSlashed = true;
        if (key.revokedAt === 0) key.revokedAt = at.nowSec;
        return [
            { to: nobody, name: 'nothing', exactNano: key.shareNano - reward },
            { to: at.from, name: 'SlashReward', atLeastNano: reward },
        ];
    });
}

function admissionBounced(of: Letter): Verdict {
    return accept(() => (of.op === 'admitNode' ? [{ to: of.payer, name: 'Excesses', isOptional: true }] : []));
}

/** A refusal is an answer, not an error; the registry hears it first. */
function recordKey(provider: ProviderModel, letter: RecordKey, at: Arrival): Verdict {
    const knownUntil = provider.keys.get(letter.nodeKey)?.notAfter ?? 0;
    const refused: Letter = { op: 'keyRefused', refused: letter, attempt: letter.attempt, knownUntil };
    const refusal: Expected = { to: provider.registry, name: 'KeyRefused', letter: refused };
    return answer(at, refusal, recordRefusal(provider, letter, at.nowSec), () => {
        write(provider, letter);
        forgetOld(provider, at.nowSec);
        return [{ to: letter.responseTo, name: 'NodeRegistered' }];
    });
}

function recordRefusal(provider: ProviderModel, letter: RecordKey, nowSec: number): string | null {
    const known = provider.keys.get(letter.nodeKey);
    const isSame = known?.bundleHash === letter.bundleHash;
    const isAuthorized = letter.authorizedBy !== '' && letter.authorizedBy === provider.operatorKey;
    if (!isSame && !isAuthorized) return 'not authorized';
    if (known ? known.revokedAt !== 0 : provider.revoked.has(letter.nodeKey)) return 'revoked';
    if (known && attestedWith(known) !== attestedWith(letter)) return 'attested differently';
    const after = { ...provider, keys: new Map(provider.keys) };
    write(after, letter);
    return provider.bondNano < requiredBondNano(after, nowSec) ? 'bond too small' : null;
}

function attestedWith({ suite, imageId, modelRoot, platformId }: Attested) {
    return [suite, imageId, modelRoot, platformId].join(' ');
}

/** The end of a key's life only moves forward. */
function write(provider: ProviderModel, letter: RecordKey): void {
    const known = provider.keys.get(letter.nodeKey);
    if (known && letter.notAfter <= known.notAfter) return;
    const { suite, notAfter, shareNano, bundleHash, imageId, modelRoot, platformId } = letter;
    const attested = { suite, bundleHash, imageId, modelRoot, platformId };
    provider.keys.set(letter.nodeKey, { ...attested, notAfter, revokedAt: 0, isSlashed: false, shareNano });
}
