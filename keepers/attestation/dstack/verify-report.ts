import type { Collateral } from '../collateral-shape';
import type { GpuVerdict } from '../gpu';
import type { Verdict } from '../verify/verdict';
import { type VerifyOptions, verifyTdxQuote } from '../verify/verify-quote';
import { appComposeOf, checkAppCompose } from './app-compose';
import { checkReport, type DstackCheckCode, DstackFailure } from './check-codes';
import { type DstackDeployment, replayEventLog } from './event-log';
import { checkGpus, type GpuExpectation } from './gpu-evidence';
import type { DstackAttestation, DstackRole } from './report';
import { checkReportData } from './report-data';

/** Registers of a dstack guest before it starts an application, in hex: firmware, kernel, initrd, command line. */
export interface DstackOs {
    mrtd: string;
    rtmr0: string;
    rtmr1: string;
    rtmr2: string;
}

/** What the verifier's owner knows and wants; without a list, anything goes and the verdict says what there is. */
export interface DstackExpectation extends GpuExpectation {
    /** 32 bytes, sent with the request for the report; without it nothing says how old the report is. */
    nonce?: Buffer;
    os?: readonly DstackOs[];
    /** SHA-256 of the manifests (app-compose) that may run, in hex. */
    composeHashes?: readonly string[];
}

export interface DstackVerdict extends Omit<Verdict, 'failedCheck'>, DstackDeployment {
    failedCheck: Verdict['failedCheck'] | DstackCheckCode;
    role: DstackRole;
    /** 20 bytes (ecdsa) or 32 (ed25519), in hex. */
    signingAddress: string;
    signingAlgo: 'ecdsa' | 'ed25519';
    modelName: string | null;
    /** That the quote carries, in hex; null where it could not be read. */
    nonce: string | null;
    /** Whether the nonce was compared with one that the verifier chose. */
    nonceChecked: boolean;
    /** SHA-256 of the TLS key's public key info, where the quote binds it; comparing it with the connection is the caller's. */
    tlsFingerprint: string | null;
    /** Of the GPUs that the report shows; null where it shows none, or was refused before. */
    gpus: GpuVerdict | null;
}

/** Verifies one attestation of a report whole. Never throws for bad input. */
export function verifyDstackAttestation(
    attestation: DstackAttestation,
    collateral: Collateral,
    options: VerifyOptions & DstackExpectation,
): DstackVerdict {
    return judgeDstackAttestation(attestation, verifyTdxQuote(attestation.quote, collateral, options), options);
}

/** As verifyDstackAttestation, for a quote that is judged already: `quoteVerdict` must be on `attestation.quote`. */
export function judgeDstackAttestation(
    attestation: DstackAttestation,
    quoteVerdict: Verdict,
    expected: DstackExpectation = {},
): DstackVerdict {
    const facts: ReportFacts = { nonce: null, deployment: null, gpus: null };
    if (quoteVerdict.verdict === 'rejected') return verdictOf(attestation, quoteVerdict, facts, expected, null);
    try {
        checkAgainstQuote(attestation, quoteVerdict, expected, facts);
        return verdictOf(attestation, quoteVerdict, facts, expected, null);
    } catch (error) {
        if (!(error instanceof DstackFailure)) throw error;
        return verdictOf(attestation, quoteVerdict, facts, expected, error);
    }
}

/** Learned on the way, so that a refusal can say how far it came. */
interface ReportFacts {
    nonce: Buffer | null;
    deployment: DstackDeployment | null;
    gpus: GpuVerdict | null;
}

function checkAgainstQuote(
    attestation: DstackAttestation,
    { reportData, measurements, evaluatedAt }: Verdict,
    expected: DstackExpectation,
    facts: ReportFacts,
): void {
    checkReport(measurements !== null, 'dstack_report_data', 'the quote is of no TD');
    const nonce = checkReportData(attestation, Buffer.from(reportData!, 'hex'), expected.nonce);
    facts.nonce = nonce;
    if (attestation.eventLog !== null && attestation.eventLog !== '') {
        const { rtmr3, ...deployment } = replayEventLog(attestation.eventLog);
        checkReport(rtmr3 === measurements.rtmr3, 'dstack_rtmr3', 'the event log does not come to the quote’s RTMR3');
        facts.deployment = deployment;
    }
    const composeHash = facts.deployment?.composeHash ?? null;
    checkAppCompose(appComposeOf(attestation), { composeHash, mrConfigId: measurements.mrConfigId });
    facts.gpus = checkGpus(attestation, { ...expected, nonce, at: new Date(evaluatedAt) });
    checkExpected(expected, { ...measurements, composeHash });
}

function checkExpected(expected: DstackExpectation, measured: DstackOs & { composeHash: string | null }): void {
    const { mrtd, rtmr0, rtmr1, rtmr2, composeHash } = measured;
    const isAllowed = (os: DstackOs) =>
        os.mrtd === mrtd && os.rtmr0 === rtmr0 && os.rtmr1 === rtmr1 && os.rtmr2 === rtmr2;
    checkReport(
        expected.os?.some(isAllowed) ?? true,
        'dstack_os_denied',
        'the registers of the guest are of no accepted dstack image',
    );
    checkReport(
        expected.composeHashes === undefined || (composeHash !== null && expected.composeHashes.includes(composeHash)),
        'dstack_compose_denied',
        'the guest runs no accepted manifest, or the report does not say which',
    );
}

const noDeployment: DstackDeployment = { appId: null, composeHash: null, instanceId: null, osImageHash: null };

function verdictOf(
    attestation: DstackAttestation,
    quoteVerdict: Verdict,
    { nonce, deployment, gpus }: ReportFacts,
    expected: DstackExpectation,
    failure: DstackFailure | null,
): DstackVerdict {
    const { role, signingAddress, signingAlgo, modelName, tlsFingerprint } = attestation;
    return {
        ...quoteVerdict,
        validUntil: earlier(quoteVerdict.validUntil, gpus?.validUntil ?? null),
        ...(failure && { verdict: 'rejected', failedCheck: failure.code, detail: failure.message, validUntil: null }),
        role,
        signingAddress: signingAddress.toString('hex'),
        signingAlgo,
        modelName,
        nonce: nonce?.toString('hex') ?? null,
        nonceChecked: nonce !== null && expected.nonce !== undefined,
        tlsFingerprint: tlsFingerprint?.toString('hex') ?? null,
        ...(deployment ?? noDeployment),
        gpus,
    };
}

/** ISO dates in UTC compare as text. */
function earlier(one: string | null, other: string | null): string | null {
    return one !== null && other !== null && other < one ? other : one;
}
