import {
    collateralKeys,
    createPlatform,
    verifyQuote,
    verifyQuoteSignature,
    type Collateral,
    type PolicyInput,
    type Verdict,
} from '../../../keepers/attestation';
import { quoteSpan } from '../../../keepers/attestation/parse/quote';
import { now, pki, sgx, tdx } from './development-evidence';
import { quickestMs } from './fuzzing';
import { presentVectors, readCollateral, readQuote, realVectors } from './real-vectors';

/** Evidence that is accepted as it stands, so that a change which is still accepted shows. */
export interface MutationSubject {
    name: string;
    quote: Buffer;
    /** Null where only the quote's own signatures are checked. */
    collateral: Collateral | null;
    at: Date;
    rootPublicKey?: Buffer;
    /** Collateral that another subject has too is mutated there. */
    mutateCollateral: boolean;
}

/** Every status and debug are let through: a mutation must be caught by what authenticates, not by policy. */
const openPolicy: PolicyInput = {
    statuses: ['UpToDate', 'SWHardeningNeeded', 'ConfigurationAndSWHardeningNeeded', 'OutOfDate'],
    debug: 'allow',
};

export function mintedSubjects(): MutationSubject[] {
    const common = { at: now, rootPublicKey: pki.rootPublicKey, mutateCollateral: true };
    const revoked = { pckCrl: { revokedSerials: [createPlatform(pki, { name: 'gone' }).pck.serial] } };
    return [
        { name: 'minted TDX v4', ...tdx({ padTo: 5006, collateral: revoked }), ...common },
        { name: 'minted TDX v5 extended', ...tdx({ version: 5, bodyType: 4 }), ...common, mutateCollateral: false },
        { name: 'minted SGX v3', ...sgx(), ...common },
    ];
}

export function realSubjects(): MutationSubject[] {
    const seen = new Set<string | null>([null]);
    return presentVectors(
        'mutations',
        realVectors.filter(({ quote }) => !quote.startsWith('intel')),
    ).map((vector) => {
        // A quote that no TCB level fits, or without collateral, is accepted for its signatures alone.
        const whole = vector.collateral !== null && vector.failedCheck !== 'tcb_level';
        const mutateCollateral = whole && !seen.has(vector.collateral);
        seen.add(whole ? vector.collateral : null);
        return {
            name: `${vector.quote}${whole ? '' : ' (signatures)'}`,
            quote: readQuote(vector),
            collateral: whole ? readCollateral(vector) : null,
            at: new Date(vector.at),
            mutateCollateral,
        };
    });
}

export function judgeSubject(subject: MutationSubject): Verdict {
    const options = { at: subject.at, rootPublicKey: subject.rootPublicKey, policy: openPolicy };
    return subject.collateral === null
        ? verifyQuoteSignature(subject.quote, options)
        : verifyQuote(subject.quote, subject.collateral, options);
}

export interface Survivor {
    subject: string;
    part: string;
    offset: number;
    from: number;
    to: number;
}

export interface MutationResult {
    tried: number;
    /** Changes of bytes behind the quote's end, all of which must be accepted: nothing signs them. */
    padding: number;
    survivors: Survivor[];
    internalErrors: number;
    slowestMs: number;
}

/** Changes one byte in every `step`, starting at `start`, at random but repeatably. */
export function mutate(subject: MutationSubject, step: number, start = 0): MutationResult {
    const result: MutationResult = { tried: 0, padding: 0, survivors: [], internalErrors: 0, slowestMs: 0 };
    const random = generator(subject.name);
    const end = quoteSpan(subject.quote)!.end;
    const attempt = (part: string, offset: number, change: { from: number; to: number; mutated: MutationSubject }) => {
        let verdict = null as unknown as Verdict;
        const elapsedMs = quickestMs(() => {
            verdict = judgeSubject(change.mutated);
        });
        result.slowestMs = Math.max(result.slowestMs, elapsedMs);
        result.tried++;
        result.internalErrors += verdict.failedCheck === 'internal_error' ? 1 : 0;
        if (verdict.verdict === 'accepted' && part === 'quote' && offset >= end) {
            result.padding++;
        } else if (verdict.verdict === 'accepted') {
            result.survivors.push({ subject: subject.name, part, offset, from: change.from, to: change.to });
        }
    };
    for (let offset = start; offset < subject.quote.length; offset += step) {
        const quote = Buffer.from(subject.quote);
        const from = quote[offset]!;
        const to = from ^ (1 + random(255));
        quote[offset] = to;
        attempt('quote', offset, { from, to, mutated: { ...subject, quote } });
    }
    for (const key of subject.mutateCollateral ? collateralKeys : []) {
        const text = subject.collateral![key];
        for (let offset = start; offset < text.length; offset += step) {
            const from = text.charCodeAt(offset);
            const to = from ^ (1 + random(127));
            const changed = text.slice(0, offset) + String.fromCharCode(to) + text.slice(offset + 1);
            attempt(key, offset, {
                from,
                to,
                mutated: { ...subject, collateral: { ...subject.collateral!, [key]: changed } },
            });
        }
    }
    return result;
}

/** A small linear generator, seeded by a name: a failure can be met again. */
function generator(name: string): (below: number) => number {
    let state = [...name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) >>> 0, 1);
    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
}
