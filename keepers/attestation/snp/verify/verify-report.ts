import type { EvidenceClaims } from '../../policy/policy';
import { FailedCheck } from '../../verify/check-codes';
import { parseEndorsement, type EndorsementFacts } from '../parse/endorsement';
import { maxCertificateLength } from '../parse/certificate';
import { maxCrlLength } from '../parse/crl';
import { isZero, type SigningKeyKind, type SnpReport } from '../parse/report';
import { defaultSnpPolicy, snpPolicySchema, type SnpPolicy, type SnpPolicyInput } from '../policy';
import { isCpuOf, isNameOf } from '../product';
import { partsOf, readTcb } from '../tcb';
import { checkChain, maxChainLength, type SnpCertificates, type SnpChain } from './chain';
import { checkSnp, parsedSnp, type SnpCheckCode } from './check-codes';
import { openReport } from './open-report';
import { applyBinding, applySnpPolicy, checkPlatform } from './policy';
import { checkRevocation } from './revocation';
import { isSignedP384 } from './signature';
import { factsOf, platformIdOfReport, snpStages, type SnpFacts, type SnpStage, type SnpVerdict } from './verdict';

export interface VerifySnpOptions {
    /** The trusted clock's time. */
    at: Date;
    /** SHA-256 of the SubjectPublicKeyInfo of a development root. AMD's roots unless one is named here. */
    rootKeyHash?: Buffer;
    policy?: SnpPolicyInput;
    claims?: EvidenceClaims;
}

/** Facts and results collected on the way, so that a refusal can say how far it came. */
interface Progress extends SnpFacts {
    stage: SnpStage;
    unchecked: Set<SnpStage>;
    deadlineMs?: number;
}

/** Verifies a SEV-SNP attestation report: authenticity, firmware, guest policy and what it runs. Never throws for bad input. */
export function verifySnpReport(
    report: Uint8Array,
    certificates: SnpCertificates,
    options: VerifySnpOptions,
): SnpVerdict {
    const progress: Progress = { stage: 'report', unchecked: new Set() };
    try {
        verify(report, certificates, options, progress);
        return verdictOf(progress, options, null);
    } catch (error) {
        const failure =
            error instanceof FailedCheck
                ? (error as FailedCheck<SnpCheckCode>)
                : new FailedCheck<SnpCheckCode>(
                      'internal_error',
                      'the verifier failed on this input: keep it and report it',
                  );
        return verdictOf(progress, options, failure);
    }
}

function verify(
    bytes: Uint8Array,
    given: SnpCertificates,
    { at, rootKeyHash, policy: input, claims = {} }: VerifySnpOptions,
    progress: Progress,
): void {
    const atMs = timeOf(at);
    checkSnp(Number.isFinite(atMs), 'clock_invalid', 'the date of evaluation is not a date');
    const policy = policyOf(input);
    const { report, signingKey } = openReport(bytes);
    progress.report = report;
    progress.stage = 'chain';
    const certificates = certificatesOf(given);
    const chain = checkChain(certificates, { signingKey, rootKeyHash, atMs });
    progress.product = chain.product;
    progress.stage = 'revocation';
    const lapsesMs = checkList(certificates, chain, { policy, atMs, progress });
    progress.stage = 'endorsement';
    const endorsement = checkEndorsement(report, chain, signingKey);
    progress.endorsement = endorsement;
    progress.stage = 'signature';
    checkReportSignature(report, chain);
    progress.stage = 'policy';
    const platformId = platformIdOfReport(report, endorsement);
    const subject = { report, signingKey, product: chain.product, platformId, atMs };
    applySnpPolicy(subject, policy);
    progress.stage = 'binding';
    applyBinding(subject, policy, claims);
    if (policy.reportData === undefined && claims.bundleHash === undefined) progress.unchecked.add('binding');
    progress.stage = 'platform';
    checkPlatform(subject, policy);
    if (platformId === null) progress.unchecked.add('platform');
    progress.deadlineMs = Math.min(
        ...[chain.vek, chain.authority, chain.root].map(({ notAfter }) => notAfter),
        lapsesMs,
        blockDeadline(policy, claims),
    );
}

function timeOf(at: unknown): number {
    return at instanceof Date ? at.getTime() : NaN;
}

function policyOf(input: SnpPolicyInput | undefined): SnpPolicy {
    return input === undefined
        ? defaultSnpPolicy
        : parsedSnp('policy_format', 'policy', () => snpPolicySchema.parse(input));
}

function certificatesOf(given: SnpCertificates): SnpCertificates {
    const { vek, chain, crl } = given ?? {};
    const complete = vek instanceof Uint8Array && typeof chain === 'string';
    checkSnp(complete, 'vek_chain_encoding', 'the certificates of the report are missing: fetch them');
    const listed = (crl ?? null) === null || crl instanceof Uint8Array;
    checkSnp(listed, 'ark_crl_encoding', 'the revocation list is not a byte array');
    const small =
        vek.length <= maxCertificateLength && chain.length <= maxChainLength && (crl?.length ?? 0) <= maxCrlLength;
    checkSnp(small, 'input_too_large', 'a certificate or the revocation list is too large');
    return { vek: Buffer.from(vek), chain, crl: crl ? Buffer.from(crl) : null };
}

/** When the list lapses; never, where there is none. */
function checkList(
    { crl }: SnpCertificates,
    chain: SnpChain,
    { policy, atMs, progress }: { policy: SnpPolicy; atMs: number; progress: Progress },
): number {
    if (crl) return checkRevocation(crl, chain, atMs).nextUpdate;
    const optional = policy.revocation === 'optional';
    checkSnp(optional, 'ark_crl_missing', 'no revocation list of the root is given: fetch it');
    progress.unchecked.add('revocation');
    return Infinity;
}

/** The key is derived for one chip (or provider) and one firmware: certificate and report must name the same. */
function checkEndorsement(report: SnpReport, { vek, product }: SnpChain, signingKey: SigningKeyKind): EndorsementFacts {
    const facts = parsedSnp('vek_extension', 'certificate of the endorsement key', () =>
        parseEndorsement(vek.extensions, product),
    );
    const { hardwareId, cspId, tcb, productName } = facts;
    const bound = signingKey === 'vcek' ? hardwareId !== null && cspId === null : cspId !== null && hardwareId === null;
    checkSnp(bound, 'vek_extension', 'the endorsement key is bound to neither a chip nor a provider, or to both');
    const named = isNameOf(product, productName);
    checkSnp(named, 'vek_product', `the endorsement key is of a ${productName}, not of the ${product.line} line`);
    const reported = readTcb(report.reportedTcb, product.line);
    const part = partsOf(product.line).find((name) => tcb[name] !== reported[name]);
    checkSnp(
        part === undefined,
        'vek_tcb',
        `the endorsement key is for another version of ${part}: fetch the right one`,
    );
    const isChip = hardwareId === null || isZero(report.chipId) || isChipId(report.chipId, hardwareId);
    checkSnp(isChip, 'vek_chip_id', 'the endorsement key is of another chip');
    const isCpu = report.cpu === null || isCpuOf(product, report.cpu);
    checkSnp(isCpu, 'cpu_product', `the report is of a processor outside the ${product.line} line`);
    return facts;
}

function isChipId(chipId: Buffer, hardwareId: Buffer): boolean {
    return chipId.subarray(0, hardwareId.length).equals(hardwareId) && isZero(chipId.subarray(hardwareId.length));
}

function checkReportSignature({ signed, signature }: SnpReport, { vek }: SnpChain): void {
    const isSigned = signature !== null && isSignedP384(vek.key, signed, signature);
    checkSnp(isSigned, 'report_signature', 'the report is not signed by its endorsement key, or was changed since');
}

function blockDeadline({ maxBlockAgeSeconds }: SnpPolicy, { block }: EvidenceClaims): number {
    return maxBlockAgeSeconds === undefined ? Infinity : block!.time.getTime() + maxBlockAgeSeconds * 1000;
}

function verdictOf(
    progress: Progress,
    options: VerifySnpOptions,
    failure: FailedCheck<SnpCheckCode> | null,
): SnpVerdict {
    const atMs = timeOf(options.at);
    return {
        kind: 'snp',
        verdict: failure === null ? 'accepted' : 'rejected',
        failedCheck: failure?.code ?? null,
        detail: failure?.message ?? 'authentic, and within the policy',
        checks: checksOf(progress, failure !== null),
        ...factsOf(progress),
        evaluatedAt: Number.isFinite(atMs) ? new Date(atMs).toISOString() : '',
        validUntil: progress.deadlineMs === undefined ? null : new Date(progress.deadlineMs).toISOString(),
    };
}

function checksOf({ stage, unchecked }: Progress, failed: boolean): SnpVerdict['checks'] {
    const reached = snpStages.indexOf(stage);
    const results = snpStages.map((name, i) => {
        if (i > reached || unchecked.has(name)) return [name, 'unchecked'] as const;
        return [name, failed && i === reached ? 'failed' : 'passed'] as const;
    });
    return Object.fromEntries(results) as SnpVerdict['checks'];
}
