import { gpuDocumentSchema, gpuEvidenceDigest, type GpuDocument, type GpuEvidence } from '../evidence-document';
import { parseGpuReport, type GpuReport } from '../parse/spdm';
import { gpuPolicySchema, type GpuPolicy, type GpuPolicyInput } from '../policy';
import { check, failureOf, parsed, type GpuCheckFailure } from './check-codes';
import { DeviceChainChecker, isSigned, nvidiaRootPublicKey, type DeviceChain } from './device-chain';
import { deviceIdOf, type GpuFacts, type GpuVerdict } from './gpu-verdict';

export interface VerifyGpuOptions {
    /** The trusted clock's time. */
    at: Date;
    /** Uncompressed P-384 point, 97 bytes. NVIDIA's root unless a development network's is named here. */
    rootPublicKey?: Buffer;
    policy?: GpuPolicyInput;
    claims?: GpuClaims;
}

/** What the caller knows of the evidence from elsewhere. */
export interface GpuClaims {
    /** The nonce that the GPUs were asked with, 32 bytes; the evidence's own is not checked without it. */
    nonce?: Buffer;
    /** What the key bundle says the evidence hashes to. */
    evidenceDigest?: Buffer;
}

/** Facts collected on the way, so that a refusal can say how far it came. */
interface Progress {
    gpus: GpuFacts[];
    nonce?: Buffer;
    digest?: Buffer;
    deadlineMs: number;
}

interface Session {
    chains: DeviceChainChecker;
    policy: GpuPolicy;
    claims: GpuClaims;
    progress: Progress;
}

/**
 * Verifies the evidence of a host's GPUs: authenticity up to NVIDIA's root, freshness, what the host states, the policy.
 * Never throws for bad input. Revocation and reference measurements are not in it: those are NVIDIA's service's to judge.
 */
export function verifyGpuEvidence(document: unknown, options: VerifyGpuOptions): GpuVerdict {
    const progress: Progress = { gpus: [], deadlineMs: Infinity };
    try {
        verifyAll(openSession(options, progress), document);
        return verdictOf(progress, options, null);
    } catch (error) {
        return verdictOf(progress, options, failureOf(error));
    }
}

/** Step 0. */
function openSession(options: VerifyGpuOptions, progress: Progress): Session {
    const atMs = timeOf(options.at);
    check(Number.isFinite(atMs), 'clock_invalid', 'the time of evaluation is not a date');
    const policy = parsed('gpu_policy_format', 'policy', () => gpuPolicySchema.parse(options.policy ?? {}));
    const { rootPublicKey = nvidiaRootPublicKey, claims = {} } = options;
    return { chains: new DeviceChainChecker(rootPublicKey, atMs), policy, claims, progress };
}

function timeOf(at: unknown): number {
    return at instanceof Date ? at.getTime() : NaN;
}

function verifyAll(session: Session, input: unknown): void {
    const { progress, claims } = session;
    const document = parsed('gpu_evidence_format', 'GPU evidence', () => gpuDocumentSchema.parse(input));
    progress.digest = gpuEvidenceDigest(document);
    check(
        claims.evidenceDigest === undefined || claims.evidenceDigest.equals(progress.digest),
        'gpu_evidence_digest',
        'this is not the GPU evidence that the key bundle names',
    );
    for (const gpu of document) verifyOne(session, gpu);
    checkDistinct(progress.gpus);
    applyPolicy(session, document);
}

/** Steps 2 to 6. */
function verifyOne(session: Session, gpu: GpuEvidence): void {
    const bytes = Buffer.from(gpu.evidence, 'base64');
    const report = parsed('gpu_report_format', 'measurement report of the GPU', () => parseGpuReport(bytes));
    session.progress.nonce ??= report.nonce;
    const chain = session.chains.check(Buffer.from(gpu.certificate, 'base64').toString('latin1'));
    session.progress.gpus.push(factsOf(gpu, report, chain));
    session.progress.deadlineMs = Math.min(session.progress.deadlineMs, chain.notAfter);
    checkReport(gpu, report, chain);
    checkNonce(session, gpu, report);
    checkStatements(gpu, report);
}

/** Step 4. */
function checkReport(gpu: GpuEvidence, report: GpuReport, { leaf, architecture }: DeviceChain): void {
    check(
        isSigned(leaf, report.signed, report.signature, 'ieee-p1363'),
        'gpu_report_signature',
        "the report is not signed by the GPU's firmware key, or was changed since",
    );
    const { firmware } = leaf;
    const { fwid } = report.opaque;
    check(firmware !== null, 'gpu_fwid', "the GPU's leaf certificate names no firmware");
    // Old firmware reports none; then the leaf certificate, which the device itself issued, is all there is.
    check(
        fwid === null || fwid.equals(firmware.fwid),
        'gpu_fwid',
        'the report names other firmware than the leaf certificate was issued for',
    );
    check(!firmware.isUnsafe, 'gpu_firmware_unsafe', "the GPU's firmware is debuggable, in recovery, or not secured");
    check(
        gpu.arch === architecture,
        'gpu_architecture',
        `the evidence says ${gpu.arch}, the certificates are of ${architecture}`,
    );
}

/** Step 5. */
function checkNonce({ claims, progress }: Session, gpu: GpuEvidence, { nonce }: GpuReport): void {
    const isOne = nonce.equals(progress.nonce!) && gpu.nonce.toLowerCase() === nonce.toString('hex');
    check(isOne, 'gpu_nonce', 'the GPUs were asked with different nonces, or another than stated');
    check(
        claims.nonce === undefined || claims.nonce.equals(nonce),
        'gpu_nonce',
        'the GPUs were asked with another nonce: the evidence is of another host, key or time',
    );
}

/** Step 6. What the measured guest learnt from its driver; NVIDIA's verifier takes it from there too. */
function checkStatements(gpu: GpuEvidence, { opaque }: GpuReport): void {
    const { driver_version: driver, vbios_version: vbios } = gpu;
    check(
        (driver ?? opaque.driverVersion) === opaque.driverVersion &&
            (vbios ?? opaque.vbiosVersion).toUpperCase() === opaque.vbiosVersion,
        'gpu_statement',
        'the evidence states another driver or VBIOS version than the signed report',
    );
    check(gpu.cc_mode !== 'off', 'gpu_cc_off', 'confidential mode of the GPU is off: turn it on and restart the node');
    check(gpu.dev_tools !== 'on', 'gpu_dev_tools', 'the GPU runs in developer mode, in which its memory can be read');
}

/** Step 7. By the device's own key: one device with two firmwares has two leaf certificates. */
function checkDistinct(gpus: GpuFacts[]): void {
    const devices = new Set(gpus.map(({ deviceId }) => deviceId));
    check(devices.size === gpus.length, 'gpu_repeated', 'one GPU is counted more than once');
}

/** Step 8. */
function applyPolicy({ policy, progress: { gpus } }: Session, document: GpuDocument): void {
    check(
        gpus.every(({ architecture }) => policy.architectures.includes(architecture)),
        'policy_gpu_architecture',
        'a GPU is of an architecture that the policy does not accept',
    );
    check(
        gpus.length >= policy.minGpus,
        'policy_gpu_count',
        `${gpus.length} GPUs where ${policy.minGpus} are required`,
    );
    check(
        policy.modeStatement === 'any' || document.every(isModeStated),
        'policy_gpu_mode',
        'the host does not state that confidential mode is on and developer mode off',
    );
    const denied = gpus.some(({ deviceId }) => policy.deniedDevices.includes(deviceId));
    check(!denied, 'policy_gpu_denied', 'the policy denies one of the GPUs');
}

function isModeStated({ cc_mode, dev_tools }: GpuEvidence): boolean {
    return cc_mode !== undefined && dev_tools !== undefined;
}

function factsOf(gpu: GpuEvidence, { opaque }: GpuReport, { leaf, device, chip, architecture }: DeviceChain): GpuFacts {
    return {
        architecture,
        chip,
        deviceId: deviceIdOf(device.spki),
        ueid: BigInt(`0x${leaf.serial.toString('hex')}`).toString(),
        driverVersion: opaque.driverVersion,
        vbiosVersion: opaque.vbiosVersion,
        fwid: leaf.firmware?.fwid.toString('hex') ?? null,
        feature: opaque.feature,
        ccMode: gpu.cc_mode ?? null,
        devTools: gpu.dev_tools ?? null,
    };
}

function verdictOf(progress: Progress, { at, claims }: VerifyGpuOptions, failure: GpuCheckFailure | null): GpuVerdict {
    const { gpus, nonce, digest, deadlineMs } = progress;
    const atMs = timeOf(at);
    const stated = gpus.length > 0 && gpus.every(({ ccMode, devTools }) => ccMode !== null && devTools !== null);
    return {
        verdict: failure === null ? 'accepted' : 'rejected',
        failedCheck: failure?.code ?? null,
        detail: failure?.message ?? 'genuine GPUs, and within the policy',
        checks: {
            nonce: failure === null && claims?.nonce !== undefined ? 'matched' : 'unchecked',
            mode: stated ? 'stated' : 'unstated',
            revocation: 'unchecked',
            measurements: 'unchecked',
        },
        gpus,
        nonce: nonce?.toString('hex') ?? null,
        evidenceDigest: digest?.toString('hex') ?? null,
        evaluatedAt: Number.isFinite(atMs) ? new Date(atMs).toISOString() : '',
        validUntil: failure === null ? new Date(deadlineMs).toISOString() : null,
    };
}
