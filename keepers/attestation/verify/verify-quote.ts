import { collateralKeys, maxCollateralPartLength, type Collateral } from '../collateral-shape';
import type { Quote } from '../parse/quote';
import type { PlatformFacts } from '../parse/sgx-extension';
import { type TcbInfo } from '../parse/signed-json';
import { applyPolicy } from '../policy/evaluate';
import { defaultPolicy, policySchema, type EvidenceClaims, type Policy, type PolicyInput } from '../policy/policy';
import { ChainChecker } from './certificate-chain';
import { check, CheckFailure, parsed } from './check-codes';
import { acceptQeIdentity, acceptTcbInfo, checkCollateralSignatures, checkRevocation } from './collateral-checks';
import { openQuote, type OpenProgress } from './open-quote';
import { checkQeReport, matchQeIdentity } from './qe-report';
import { importPoint, isSignedRaw } from './signature';
import { matchPlatformLevel } from './tcb-level';
import { mergeLevels, mergeRelaunch, type TcbEvaluation } from './tcb-status';
import { checkTdxModule, moduleLevelOf, type SvnSet } from './tdx-module';
import { bodyFacts, noBodyFacts, platformIdOf, type Verdict } from './verdict';

/** Public key of the Intel SGX Root CA, an uncompressed point: what all genuine evidence hangs on. */
export const intelRootPublicKey = Buffer.from(
    '040ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5' +
        '67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394',
    'hex',
);

/** Real quotes are about 5 kB, padded ones 8 kB. */
export const maxQuoteLength = 64 * 1024;

export interface VerifyOptions {
    /** The trusted clock's time. */
    at: Date;
    /** Uncompressed P-256 point, 65 bytes. Intel's root unless a development network's is named here. */
    rootPublicKey?: Buffer;
    policy?: PolicyInput;
    claims?: EvidenceClaims;
}

/** Facts collected on the way, so that a refusal can say how far it came. */
interface Progress extends OpenProgress {
    tcbInfo?: TcbInfo;
    evaluation?: TcbEvaluation;
    /** First of the dates at which something that was relied on lapses. */
    deadlineMs?: number;
}

interface Session {
    bytes: Buffer;
    atMs: number;
    chains: ChainChecker;
    policy: Policy;
    claims: EvidenceClaims;
    progress: Progress;
}

/** Verifies a TDX or SGX quote: authenticity, the platform's state and the policy. Never throws for bad input. */
export function verifyQuote(quote: Uint8Array, collateral: Collateral, options: VerifyOptions): Verdict {
    return judge(quote, options, (session) => {
        const shaped = shapeOf(collateral);
        verifyWhole(session, shaped);
    });
}

/** As verifyQuote, for TDX alone: what a network of TDs asks for. */
export function verifyTdxQuote(quote: Uint8Array, collateral: Collateral, options: VerifyOptions): Verdict {
    return verifyQuote(quote, collateral, { ...options, policy: { ...options.policy, teeTypes: ['tdx'] } });
}

/**
 * Checks what needs no collateral: the quote's own chain and signatures, and the policy on what it reports. Says nothing
 * on revocation or on the state of the platform, so `status` stays null. For looking at evidence, not for trusting it.
 */
export function verifyQuoteSignature(quote: Uint8Array, options: VerifyOptions): Verdict {
    return judge(quote, options, (session) => {
        const { quote: parsedQuote, chain, platform } = openQuote(session.bytes, session.chains, session.progress);
        checkQeReport(parsedQuote, session.chains.keyOf(chain[0]!));
        checkQuoteSignature(parsedQuote);
        applySessionPolicy(session, parsedQuote, platform, null);
    });
}

function judge(quote: Uint8Array, options: VerifyOptions, run: (session: Session) => void): Verdict {
    const progress: Progress = {};
    try {
        run(openSession(quote, options, progress));
        return verdictOf(progress, options, null);
    } catch (error) {
        const failure =
            error instanceof CheckFailure
                ? error
                : new CheckFailure('internal_error', 'the verifier failed on this input: keep it and report it');
        return verdictOf(progress, options, failure);
    }
}

/** Step 0: clock, sizes, and the policy itself. */
function openSession(quote: Uint8Array, options: VerifyOptions, progress: Progress): Session {
    const atMs = timeOf(options.at);
    check(Number.isFinite(atMs), 'clock_invalid', 'the time of evaluation is not a date');
    const policy = policyOf(options.policy);
    check(quote instanceof Uint8Array, 'quote_length', 'the quote is not a byte array');
    check(quote.length <= maxQuoteLength, 'input_too_large', `the quote is over ${maxQuoteLength} bytes`);
    const bytes = Buffer.from(quote.buffer, quote.byteOffset, quote.length);
    const chains = new ChainChecker(options.rootPublicKey ?? intelRootPublicKey, atMs);
    return { bytes, atMs, chains, policy, claims: options.claims ?? {}, progress };
}

function timeOf(at: unknown): number {
    return at instanceof Date ? at.getTime() : NaN;
}

function policyOf(input: PolicyInput | undefined): Policy {
    return input === undefined ? defaultPolicy : parsed('policy_format', 'policy', () => policySchema.parse(input));
}

/** A copy of the nine texts: what is judged is what was measured, whatever the caller's object does meanwhile. */
function shapeOf(collateral: Collateral): Collateral {
    const isObject = typeof collateral === 'object' && collateral !== null;
    check(isObject, 'collateral_format', 'collateral is missing: fetch it from a collateral service');
    const texts = collateralKeys.map((key) => {
        const text: unknown = collateral[key];
        check(typeof text === 'string', 'collateral_format', `collateral has no text "${key}"`);
        check(text.length <= maxCollateralPartLength, 'input_too_large', `collateral "${key}" is too large`);
        return [key, text];
    });
    return Object.fromEntries(texts) as Collateral;
}

function verifyWhole(session: Session, collateral: Collateral): void {
    const { quote, chain, platform } = openQuote(session.bytes, session.chains, session.progress);
    const context = { chains: session.chains, atMs: session.atMs, isTdx: quote.body.kind === 'td' };
    const { rootCrl, pckCrl } = checkRevocation(collateral, chain, context);
    checkCollateralSignatures(collateral, rootCrl, context);
    const floor = session.policy.minTcbEvaluationDataNumber;
    const info = acceptTcbInfo(collateral.tcb_info, platform, floor, context);
    session.progress.tcbInfo = info;
    const identity = acceptQeIdentity(collateral.qe_identity, context);
    checkQeReport(quote, session.chains.keyOf(chain[0]!));
    const qeLevel = matchQeIdentity(quote, identity);
    checkQuoteSignature(quote);
    const evaluation = evaluate(quote, platform, { info, qeLevel });
    session.progress.evaluation = evaluation;
    check(
        evaluation.status !== 'Revoked',
        'tcb_revoked',
        'Intel revoked this level of the platform: update its firmware',
    );
    applySessionPolicy(session, quote, platform, evaluation);
    const updates = [info.nextUpdate, identity.nextUpdate].map((date) => Date.parse(date));
    const ageLimit = blockDeadline(session);
    session.progress.deadlineMs = Math.min(
        session.chains.notAfter,
        rootCrl.nextUpdate,
        pckCrl.nextUpdate,
        ...updates,
        ageLimit,
    );
}

/** When the masterchain block that dates the evidence is too old for the policy. */
function blockDeadline({ policy, claims }: Session): number {
    const { maxBlockAgeSeconds } = policy;
    return maxBlockAgeSeconds === undefined ? Infinity : claims.block!.time.getTime() + maxBlockAgeSeconds * 1000;
}

/** Step 10. */
function checkQuoteSignature(quote: Quote): void {
    const key = importPoint(quote.attestationKey);
    check(key !== null, 'attestation_key', 'the attestation key is not a point of the curve');
    check(
        isSignedRaw(key, quote.signed, quote.signature),
        'quote_signature',
        'the quote is not signed by its attestation key, or was changed since',
    );
}

/** Steps 11 to 15. */
function evaluate(
    quote: Quote,
    platform: PlatformFacts,
    { info, qeLevel }: { info: TcbInfo; qeLevel: Parameters<typeof mergeLevels>[1][number] },
): TcbEvaluation {
    const { body } = quote;
    if (body.kind === 'enclave') {
        return mergeLevels(matchPlatformLevel(info, platform, null, 'launch'), [qeLevel]);
    }
    checkTdxModule(body, info);
    const launch = evaluateSvns(body.teeTcbSvn, 'launch');
    if (body.teeTcbSvn2 === null) {
        return launch;
    }
    const current = evaluateSvns(body.teeTcbSvn2, 'current');
    check(current.status !== 'Revoked', 'current_tcb_revoked', 'Intel revoked the TDX module now running: update it');
    return mergeRelaunch(launch, current);

    function evaluateSvns(svns: Buffer, set: SvnSet): TcbEvaluation {
        const platformLevel = matchPlatformLevel(info, platform, svns, set);
        const moduleLevel = moduleLevelOf(svns, info, set);
        return mergeLevels(platformLevel, moduleLevel === null ? [qeLevel] : [qeLevel, moduleLevel]);
    }
}

function applySessionPolicy(
    { policy, claims, atMs }: Session,
    quote: Quote,
    platform: PlatformFacts,
    evaluation: TcbEvaluation | null,
): void {
    applyPolicy({ body: quote.body, platformId: platformIdOf(platform.ppid), evaluation, atMs }, policy, claims);
}

function verdictOf(progress: Progress, options: VerifyOptions, failure: CheckFailure | null): Verdict {
    const { quote, platform, tcbInfo, evaluation, deadlineMs } = progress;
    const atMs = timeOf(options.at);
    return {
        verdict: failure === null ? 'accepted' : 'rejected',
        status: evaluation?.status ?? null,
        advisoryIds: evaluation?.advisoryIds ?? [],
        tcbDate: evaluation?.tcbDate ?? null,
        failedCheck: failure?.code ?? null,
        detail: failure?.message ?? 'authentic, and within the policy',
        fmspc: platform?.fmspc.toString('hex') ?? null,
        tcbEvaluationDataNumber: tcbInfo?.tcbEvaluationDataNumber ?? null,
        platformId: platform ? platformIdOf(platform.ppid) : null,
        ...(quote ? bodyFacts(quote.body) : noBodyFacts),
        evaluatedAt: Number.isFinite(atMs) ? new Date(atMs).toISOString() : '',
        validUntil: deadlineMs === undefined ? null : new Date(deadlineMs).toISOString(),
    };
}
