import { createHash } from 'node:crypto';
import type { EnclaveBody, TdBody } from '../parse/bodies';
import { imageOf } from '../policy/evaluate';
import { imageIdOf } from '../image-id';
import type { CheckCode } from './check-codes';
import type { EvaluationStatus } from './tcb-status';

/** Registers of a TD, in hex. */
export interface TdMeasurements {
    mrtd: string;
    rtmr0: string;
    rtmr1: string;
    rtmr2: string;
    rtmr3: string;
    mrSeam: string;
    mrConfigId: string;
    mrOwner: string;
}

/** Identity of an SGX enclave, in hex. */
export interface EnclaveMeasurements {
    mrEnclave: string;
    mrSigner: string;
    isvProdId: number;
    isvSvn: number;
}

/**
 * What evidence is worth. All bytes are lower-case hex. In a rejected verdict the facts are what the evidence claims, as
 * far as it could be read: good for a log, never for a decision.
 */
export interface Verdict {
    verdict: 'accepted' | 'rejected';
    /** Intel's word for the platform; null where evaluation did not get that far. */
    status: EvaluationStatus | null;
    advisoryIds: string[];
    /** Oldest date of the levels that matched; null with `status`. */
    tcbDate: string | null;
    /** The first check that failed; null when accepted. */
    failedCheck: CheckCode | null;
    /** What failed and what to do about it. */
    detail: string;
    fmspc: string | null;
    tcbEvaluationDataNumber: number | null;
    /** SHA-256 of the platform's PPID: what deny lists name. */
    platformId: string | null;
    tdAttributes: string | null;
    reportData: string | null;
    measurements: TdMeasurements | null;
    /** SHA-256 over the image's registers; null for SGX. */
    imageId: string | null;
    enclave: EnclaveMeasurements | null;
    evaluatedAt: string;
    /** Until when the same evidence and collateral stay acceptable; null unless accepted whole. */
    validUntil: string | null;
}

export function platformIdOf(ppid: Buffer): string {
    return createHash('sha256').update(ppid).digest('hex');
}

export type BodyFacts = Pick<Verdict, 'tdAttributes' | 'reportData' | 'measurements' | 'imageId' | 'enclave'>;

export const noBodyFacts: BodyFacts = {
    tdAttributes: null,
    reportData: null,
    measurements: null,
    imageId: null,
    enclave: null,
};

export function bodyFacts(body: TdBody | EnclaveBody): BodyFacts {
    const reportData = body.reportData.toString('hex');
    if (body.kind === 'enclave') {
        return { ...noBodyFacts, reportData, enclave: enclaveMeasurements(body) };
    }
    const image = imageOf(body);
    return {
        tdAttributes: body.tdAttributes.toString('hex'),
        reportData,
        measurements: {
            ...image,
            mrSeam: body.mrSeam.toString('hex'),
            mrConfigId: body.mrConfigId.toString('hex'),
            mrOwner: body.mrOwner.toString('hex'),
        },
        imageId: imageIdOf(image).toString('hex'),
        enclave: null,
    };
}

function enclaveMeasurements(body: EnclaveBody): EnclaveMeasurements {
    return {
        mrEnclave: body.mrEnclave.toString('hex'),
        mrSigner: body.mrSigner.toString('hex'),
        isvProdId: body.isvProdId,
        isvSvn: body.isvSvn,
    };
}
