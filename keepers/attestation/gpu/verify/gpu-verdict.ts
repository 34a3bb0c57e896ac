import { createHash } from 'node:crypto';
import type { GpuArchitecture } from '../evidence-document';
import type { GpuFeature } from '../parse/opaque-data';
import type { GpuCheckCode } from './check-codes';

/** One GPU, as far as its evidence tells; bytes are lower-case hex. */
export interface GpuFacts {
    architecture: GpuArchitecture;
    /** GH100, GB100, … */
    chip: string;
    /** SHA-256 of the device's own key: the same whatever firmware runs; what deny lists name. */
    deviceId: string;
    /** Serial of the leaf certificate in decimal: how NVIDIA's tokens name the GPU. */
    ueid: string;
    driverVersion: string;
    vbiosVersion: string;
    fwid: string | null;
    feature: GpuFeature | null;
    /** As the host states it; null where it does not. */
    ccMode: 'on' | 'off' | null;
    devTools: 'on' | 'off' | null;
}

/** What was looked at beside what the GPU signs. */
export interface GpuChecks {
    /** `unchecked`: nobody said which nonce the GPUs were asked with. */
    nonce: 'matched' | 'unchecked';
    /** `unstated`: some GPU's host does not say whether confidential mode is on. */
    mode: 'stated' | 'unstated';
    /** By NVIDIA's token; without one, nobody has looked whether certificates are revoked. */
    revocation: 'nras' | 'unchecked';
    /** Driver and VBIOS against their reference values, by NVIDIA's token. */
    measurements: 'nras' | 'unchecked';
}

/**
 * What a host's GPU evidence is worth. In a rejected verdict the facts are what the evidence claims, as far as it could be
 * read: good for a log, never for a decision.
 */
export interface GpuVerdict {
    verdict: 'accepted' | 'rejected';
    /** The first check that failed; null when accepted. */
    failedCheck: GpuCheckCode | null;
    /** What failed and what to do about it. */
    detail: string;
    checks: GpuChecks;
    gpus: GpuFacts[];
    /** The nonce of the requests, 32 bytes; null where the evidence could not be read. */
    nonce: string | null;
    /** SHA-256 of the canonical evidence: what a key bundle names. */
    evidenceDigest: string | null;
    evaluatedAt: string;
    /** Until when the same evidence stays acceptable; null unless accepted. */
    validUntil: string | null;
}

export function deviceIdOf(spki: Buffer): string {
    return createHash('sha256').update(spki).digest('hex');
}
