import { randomBytes } from 'node:crypto';
import {
    AttestationError,
    type CollateralService,
    collateralNeeds,
    type PolicyInput,
    verifyTdxQuote,
} from '../../attestation';
import {
    type DstackAttestation,
    type DstackOs,
    type DstackVerdict,
    judgeDstackAttestation,
    parseDstackReport,
} from '../../attestation/dstack';
import type { Clock } from '../../base';
import { EngineError } from './errors';

export interface DstackTrustOptions {
    /** Asks the engine for a report on this nonce. */
    report: (nonce: Buffer, signal: AbortSignal) => Promise<unknown>;
    collateral: CollateralService;
    /** Uncompressed point; Intel's root unless a development network's is named. */
    rootPublicKey?: Buffer;
    policy?: PolicyInput;
    /** Images of dstack that may run the engine. */
    os: readonly DstackOs[];
    /** Manifests that may run, SHA-256 in hex. */
    composeHashes: readonly string[];
    /** GPUs that an engine must show evidence of. */
    minGpus: number;
    /** Uncompressed point; NVIDIA's root unless a development network's is named. */
    gpuRootPublicKey?: Buffer;
    /** Whether a report must bind a TLS key, for the engine is reached over TLS. */
    tls: boolean;
    /** How long a report is relied on; the next is asked for when half of it is over. */
    maxAgeMs: number;
    clock: Clock;
}

/** Between two reports at least: an engine that fails or signs wrongly must not make its GPUs attest all day. */
const minIntervalMs = 10_000;

interface Trust {
    signers: ReadonlySet<string>;
    tlsFingerprints: ReadonlySet<string>;
    /** These two by the monotonic clock. */
    takenAtMs: number;
    untilMs: number;
    /** A date of the evidence's own. */
    validUntilMs: number;
}

/** Who may sign for an engine: the addresses in its report, each vouched for by a quote on a nonce of ours. */
export class DstackTrust {
    private trust: Trust | undefined;
    private renewal: Promise<Trust> | undefined;
    private failure: { error: unknown; atMs: number } | undefined;
    private readonly closing = new AbortController();

    constructor(private readonly options: DstackTrustOptions) {}

    /** @throws EngineError `engine_unattested` */
    async signers(): Promise<ReadonlySet<string>> {
        const { trust } = this;
        const nowMs = this.options.clock.monotonicMs();
        if (trust === undefined || nowMs >= trust.untilMs || this.options.clock.nowMs() >= trust.validUntilMs)
            return (await this.renew()).signers;
        // Not waited for: while this report holds, a failed renewal is only a reason to try again.
        if (nowMs >= (trust.takenAtMs + trust.untilMs) / 2) this.renew().catch(() => undefined);
        return trust.signers;
    }

    /** Those of the last report that was accepted, for an answer that began while it held. */
    get knownSigners(): ReadonlySet<string> {
        return this.trust?.signers ?? new Set();
    }

    /** SHA-256 of the TLS keys that the engines attested, in hex. */
    get tlsFingerprints(): ReadonlySet<string> {
        return this.trust?.tlsFingerprints ?? new Set();
    }

    /** For an answer that another key signed: an engine that was restarted has a new one, and a report to show for it. */
    async freshSigners(): Promise<ReadonlySet<string>> {
        const { trust } = this;
        if (trust !== undefined && this.options.clock.monotonicMs() < trust.takenAtMs + minIntervalMs)
            return trust.signers;
        return (await this.renew()).signers;
    }

    close(): void {
        this.closing.abort(new Error('stopping'));
    }

    private async renew(): Promise<Trust> {
        const { failure, options } = this;
        if (failure !== undefined && options.clock.monotonicMs() < failure.atMs + minIntervalMs) throw failure.error;
        this.renewal ??= this.take().finally(() => (this.renewal = undefined));
        try {
            return await this.renewal;
        } catch (error) {
            this.failure = { error, atMs: options.clock.monotonicMs() };
            throw error;
        }
    }

    private async take(): Promise<Trust> {
        const nonce = randomBytes(32);
        const takenAtMs = this.options.clock.monotonicMs();
        const verdicts = await this.judgeReport(nonce);
        const accepted = verdicts.filter(({ verdict }) => verdict === 'accepted');
        if (accepted.length === 0) {
            const [first] = verdicts;
            throw unattested(first ? `${first.failedCheck}: ${first.detail}` : 'it is about no engine that signs');
        }
        const tlsFingerprints = accepted.flatMap(({ tlsFingerprint }) => tlsFingerprint ?? []);
        if (this.options.tls && tlsFingerprints.length < accepted.length) {
            throw unattested('its quote does not bind the TLS key that prompts would be sent to');
        }
        const ends = accepted.map(({ validUntil }) => Date.parse(validUntil!));
        this.trust = {
            signers: new Set(accepted.map(({ signingAddress }) => signingAddress)),
            tlsFingerprints: new Set(tlsFingerprints),
            takenAtMs,
            untilMs: takenAtMs + this.options.maxAgeMs,
            validUntilMs: Math.min(...ends),
        };
        return this.trust;
    }

    /** A gateway in front signs nothing that an engine answered, and Ed25519 keys sign nothing that is asked for here. */
    private async judgeReport(nonce: Buffer): Promise<DstackVerdict[]> {
        try {
            const report = parseDstackReport(await this.options.report(nonce, this.closing.signal));
            const engines = report.filter(({ role, signingAlgo }) => role !== 'gateway' && signingAlgo === 'ecdsa');
            return await Promise.all(engines.map((engine) => this.judge(engine, nonce)));
        } catch (error) {
            if (error instanceof AttestationError) throw unattested(error.message, error);
            if (error instanceof EngineError) throw unattested(error.message, error);
            throw error;
        }
    }

    private async judge(attestation: DstackAttestation, nonce: Buffer): Promise<DstackVerdict> {
        const { collateral, rootPublicKey, policy, clock, ...expected } = this.options;
        const { quote } = attestation;
        const at = () => new Date(clock.nowMs());
        const fetched = await collateral.collateralFor(collateralNeeds(quote, { at: at(), rootPublicKey }));
        const verdict = verifyTdxQuote(quote, fetched, { at: at(), rootPublicKey, policy });
        return judgeDstackAttestation(attestation, verdict, { ...expected, nonce });
    }
}

function unattested(reason: string, cause?: unknown): EngineError {
    return new EngineError('engine_unattested', `the engine's attestation is not accepted: ${reason}`, { cause });
}
