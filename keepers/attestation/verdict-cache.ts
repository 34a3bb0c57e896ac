import type { EvaluationFloor } from './evaluation-floor';
import { collateralKeys, type Collateral } from './collateral-shape';
import { quoteSpan } from './parse/quote';
import { signatureLength } from './parse/quote-layout';
import type { EvidenceClaims, PolicyInput } from './policy/policy';
import type { Verdict } from './verify/verdict';
import { maxQuoteLength, verifyQuote } from './verify/verify-quote';

export interface VerdictCacheOptions {
    rootPublicKey?: Buffer;
    policy?: PolicyInput;
    /** How long a verdict is used again at most; it never outlives the collateral it rests on. */
    maxAgeMs: number;
    maxEntries: number;
    /** Raised by what is accepted; what falls below it is refused. */
    floor?: EvaluationFloor;
}

interface Entry {
    quote: Buffer;
    collateral: Collateral;
    verdict: Verdict;
    fromMs: number;
    untilMs: number;
}

/**
 * Verifies evidence and remembers acceptances. Evidence is the same if every byte of the quote up to its end (padding is
 * not signed), every text of the collateral and all that the caller claims of it are the same. Refusals are judged anew
 * each time: they may be of the moment.
 */
export class VerdictCache {
    private readonly entries = new Map<string, Entry>();
    private policy: PolicyInput | undefined;

    constructor(private readonly options: VerdictCacheOptions) {
        this.policy = options.policy;
    }

    get size(): number {
        return this.entries.size;
    }

    /** Takes a new policy, as when the registry's version moves, and forgets every verdict. */
    replacePolicy(policy: PolicyInput): void {
        this.policy = policy;
        this.entries.clear();
    }

    verify(quote: Uint8Array, collateral: Collateral, { at, claims }: { at: Date; claims?: EvidenceClaims }): Verdict {
        const signed = evidenceOf(quote);
        const key = signed && `${signed.bucket}|${claimsKey(claims)}`;
        const known = key === null ? undefined : this.entries.get(key);
        if (known?.quote.equals(signed!.bytes) && isUsable(known, collateral, at.getTime())) {
            return known.verdict;
        }
        const { rootPublicKey, floor } = this.options;
        const judged = verifyQuote(quote, collateral, { at, rootPublicKey, policy: this.policy, claims });
        const verdict = floor?.admit(judged) ?? judged;
        if (key !== null && verdict.validUntil !== null) {
            this.remember(key, signed!.bytes, { collateral, verdict });
        }
        return verdict;
    }

    private remember(key: string, quote: Buffer, { collateral, verdict }: Pick<Entry, 'collateral' | 'verdict'>): void {
        const fromMs = Date.parse(verdict.evaluatedAt);
        const untilMs = Math.min(fromMs + this.options.maxAgeMs, Date.parse(verdict.validUntil!));
        this.entries.delete(key);
        if (this.entries.size >= this.options.maxEntries) {
            this.entries.delete(this.entries.keys().next().value!);
        }
        // Copies: the caller's objects may change, what was judged may not.
        this.entries.set(key, {
            quote: Buffer.from(quote),
            collateral: { ...collateral },
            verdict: Object.freeze(verdict),
            fromMs,
            untilMs,
        });
    }
}

/** Comparing texts that are the same object costs nothing; hashing them would cost more than all the rest. */
function isUsable(entry: Entry, collateral: Collateral | null | undefined, atMs: number): boolean {
    const inTime = entry.fromMs <= atMs && atMs <= entry.untilMs;
    return inTime && collateralKeys.every((key) => entry.collateral[key] === collateral?.[key]);
}

/** The quote up to its end; its signature names the bucket, and only equality of all bytes makes a match. */
function evidenceOf(quote: Uint8Array): { bytes: Buffer; bucket: string } | null {
    if (!(quote instanceof Uint8Array) || quote.length > maxQuoteLength) {
        return null;
    }
    const bytes = Buffer.from(quote.buffer, quote.byteOffset, quote.length);
    const span = quoteSpan(bytes);
    return (
        span && {
            bytes: bytes.subarray(0, span.end),
            bucket: bytes.toString('latin1', span.signatureAt, span.signatureAt + signatureLength),
        }
    );
}

function claimsKey({ bundleHash, modelRoot, block }: EvidenceClaims = {}): string {
    const hashes = [bundleHash, modelRoot, block?.rootHash].map((hash) => hash?.toString('base64') ?? '-');
    return [...hashes, block?.time.getTime() ?? '-'].join('|');
}
