import { createHash } from 'node:crypto';
import type { EndorsementFacts } from '../parse/endorsement';
import { isZero, type SigningKeyKind, type SnpReport } from '../parse/report';
import type { Product, ProductLine } from '../product';
import { readTcb, type TcbVersion } from '../tcb';
import type { SnpCheckCode } from './check-codes';
import { imageIdOfReport } from './policy';

/** Groups of checks, in the order in which they run. */
export const snpStages = [
    'report',
    'chain',
    'revocation',
    'endorsement',
    'signature',
    'policy',
    'binding',
    'platform',
] as const;
export type SnpStage = (typeof snpStages)[number];
/** `unchecked`: an earlier check failed, or what it needs (a revocation list, an expected report data) was not given. */
export type StageResult = 'passed' | 'failed' | 'unchecked';

/** In hex. */
export interface SnpMeasurements {
    measurement: string;
    hostData: string;
    idKeyDigest: string;
    authorKeyDigest: string;
    familyId: string;
    imageId: string;
    guestSvn: number;
}

/**
 * What SEV-SNP evidence is worth; fields that verdicts on quotes have too mean the same. In a rejected verdict the facts are
 * what the evidence claims, as far as it could be read.
 */
export interface SnpVerdict {
    kind: 'snp';
    verdict: 'accepted' | 'rejected';
    failedCheck: SnpCheckCode | null;
    detail: string;
    checks: Record<SnpStage, StageResult>;
    product: ProductLine | null;
    reportVersion: number | null;
    signingKey: SigningKeyKind | null;
    /** Cloud provider whose VLEK signed. */
    cspId: string | null;
    vmpl: number | null;
    /** 64 bits, hex. */
    guestPolicy: string | null;
    /** Null before the product is known, whose layout these have. */
    tcb: Record<'reported' | 'current' | 'committed' | 'launch', TcbVersion> | null;
    /** SHA-256 of the chip id (64 bytes); null where nothing names the chip. */
    platformId: string | null;
    reportData: string | null;
    measurements: SnpMeasurements | null;
    /** SHA-256 over tag, measurement and host data. */
    imageId: string | null;
    evaluatedAt: string;
    /** Until when the same evidence stays acceptable; null unless accepted. */
    validUntil: string | null;
}

export interface SnpFacts {
    report?: SnpReport;
    product?: Product;
    endorsement?: EndorsementFacts;
}

type FactFields = Omit<
    SnpVerdict,
    'kind' | 'verdict' | 'failedCheck' | 'detail' | 'checks' | 'evaluatedAt' | 'validUntil'
>;

export function factsOf({ report, product, endorsement }: SnpFacts): FactFields {
    return {
        product: product?.line ?? null,
        reportVersion: report?.version ?? null,
        signingKey: report?.signingKey ?? null,
        cspId: endorsement?.cspId ?? null,
        vmpl: report?.vmpl ?? null,
        guestPolicy: report?.policy.toString(16).padStart(16, '0') ?? null,
        tcb: report && product ? tcbOf(report, product) : null,
        platformId: report ? platformIdOfReport(report, endorsement) : null,
        reportData: report?.reportData.toString('hex') ?? null,
        measurements: report ? measurementsOf(report) : null,
        imageId: report ? imageIdOfReport(report) : null,
    };
}

/** A masked chip id is all zero; the certificate of a chip-bound key names the chip all the same. */
export function platformIdOfReport({ chipId }: SnpReport, endorsement: EndorsementFacts | undefined): string | null {
    const hardwareId = endorsement?.hardwareId ?? null;
    const chip = isZero(chipId) ? hardwareId : chipId;
    return chip === null ? null : snpPlatformIdOf(chip);
}

/** SHA-256 of the chip id as reports have it: 64 bytes, zeros behind a shorter one. */
export function snpPlatformIdOf(chipId: Buffer): string {
    const padded = Buffer.concat([chipId, Buffer.alloc(64 - chipId.length)]);
    return createHash('sha256').update(padded).digest('hex');
}

function tcbOf(report: SnpReport, { line }: Product): NonNullable<SnpVerdict['tcb']> {
    return {
        reported: readTcb(report.reportedTcb, line),
        current: readTcb(report.currentTcb, line),
        committed: readTcb(report.committedTcb, line),
        launch: readTcb(report.launchTcb, line),
    };
}

function measurementsOf(report: SnpReport): SnpMeasurements {
    return {
        measurement: report.measurement.toString('hex'),
        hostData: report.hostData.toString('hex'),
        idKeyDigest: report.idKeyDigest.toString('hex'),
        authorKeyDigest: report.authorKeyDigest.toString('hex'),
        familyId: report.familyId.toString('hex'),
        imageId: report.imageId.toString('hex'),
        guestSvn: report.guestSvn,
    };
}
