import { createHash } from 'node:crypto';
import { check, parsed } from '../verify/check-codes';
import type { GpuFacts } from '../verify/gpu-verdict';
import {
    chainClaims,
    detachedEatSchema,
    gpuClaimsSchema,
    jwksSchema,
    overallClaimsSchema,
    trueClaims,
    type GpuClaimsOfToken,
    type NrasKeys,
    type OverallClaims,
} from './claims';
import { openToken } from './signed-token';

export const nvidiaNrasUrl = 'https://nras.attestation.nvidia.com';

export interface NrasTrust {
    /** The service's keys, as its JWKS lists them. */
    keys: unknown;
    /** NVIDIA's own service unless a development network's is named here. */
    issuer?: string;
}

interface Expected {
    keys: NrasKeys;
    issuer: string;
    atMs: number;
    /** The nonce that the GPUs were asked with, 32 bytes in hex. */
    nonce: string;
    gpus: readonly GpuFacts[];
}

/** The service's clock may be ahead of ours by so much. */
const clockSkewSec = 60;

/**
 * Step 9. Checks the service's answer on these very GPUs: one token over all and one for each, all signed, of this issuer, in
 * force, for this nonce; each GPU's as the first one names it by digest; and every claim as it must be.
 * @returns when the first of the tokens expires, Unix ms
 */
export async function checkNrasToken(
    token: unknown,
    { trust, ...of }: { trust: NrasTrust; atMs: number; nonce: string; gpus: readonly GpuFacts[] },
): Promise<number> {
    const [[, overallToken], gpuTokens] = parsed('nras_format', "the service's answer", () =>
        detachedEatSchema.parse(token),
    );
    const keys = parsed('nras_key', 'keys of the service', () => jwksSchema.parse(trust.keys));
    const expected: Expected = { keys, issuer: trust.issuer ?? nvidiaNrasUrl, ...of };
    const overallJson = await openToken(overallToken, keys);
    const overall = parsed('nras_claims_format', 'token over all GPUs', () => overallClaimsSchema.parse(overallJson));
    checkScope(overall, expected);
    checkSubmodules(overall, gpuTokens, expected);
    const claims: GpuClaimsOfToken[] = [];
    for (const gpuToken of Object.values(gpuTokens)) claims.push(await openGpuToken(gpuToken, expected));
    checkDevices(claims, expected);
    claims.forEach(checkClaims);
    check(overall['x-nvidia-overall-att-result'], 'nras_result', 'the service refuses these GPUs');
    return 1000 * Math.min(overall.exp, ...claims.map(({ exp }) => exp));
}

async function openGpuToken(token: string, expected: Expected): Promise<GpuClaimsOfToken> {
    const json = await openToken(token, expected.keys);
    const claims = parsed('nras_claims_format', 'token of a GPU', () => gpuClaimsSchema.parse(json));
    checkScope(claims, expected);
    return claims;
}

/** Issuer, dates and nonce, alike for every token. */
function checkScope(
    { iss, iat, nbf, exp, eat_nonce: nonce }: Pick<OverallClaims, 'iss' | 'iat' | 'nbf' | 'exp' | 'eat_nonce'>,
    expected: Expected,
): void {
    check(iss === expected.issuer, 'nras_issuer', 'a token is of another issuer than the one that is trusted');
    const nowSec = expected.atMs / 1000;
    check(
        iat <= nowSec + clockSkewSec && nbf <= nowSec + clockSkewSec && nowSec < exp,
        'nras_dates',
        'a token is not in force at that date: ask the service again',
    );
    check(nonce.toLowerCase() === expected.nonce, 'nras_nonce', 'a token was made for another nonce');
}

function checkSubmodules({ submods }: OverallClaims, tokens: Record<string, string>, { gpus }: Expected): void {
    const names = gpus.map((_, index) => `GPU-${index}`);
    const areThese = (listed: object) =>
        Object.keys(listed).length === names.length && names.every((name) => Object.hasOwn(listed, name));
    check(
        areThese(submods) && areThese(tokens),
        'nras_count',
        'the service does not speak of as many GPUs as the evidence has',
    );
    for (const name of names) {
        const digest = createHash('sha256').update(tokens[name]!).digest('hex');
        check(
            submods[name]![1][1].toLowerCase() === digest,
            'nras_digest',
            `the token of ${name} is not the one that the service names`,
        );
    }
}

/** Each GPU of the evidence has its own token, by serial and by the versions that its signed report has. */
function checkDevices(claims: GpuClaimsOfToken[], { gpus }: Expected): void {
    for (const { ueid, driverVersion, vbiosVersion } of gpus) {
        const own = claims.filter((claim) => claim.ueid === ueid);
        const agrees =
            own.length === 1 &&
            own[0]!['x-nvidia-gpu-driver-version'] === driverVersion &&
            own[0]!['x-nvidia-gpu-vbios-version'].toUpperCase() === vbiosVersion;
        check(agrees, 'nras_device', 'the service speaks of other GPUs than those of the evidence');
    }
}

function checkClaims(claims: GpuClaimsOfToken): void {
    for (const name of chainClaims) {
        const { 'x-nvidia-cert-status': status, 'x-nvidia-cert-ocsp-status': revocation } = claims[name];
        check(
            status === 'valid' && revocation === 'good',
            'nras_revoked',
            `a certificate is revoked, on hold or expired (${name}): do not use this GPU`,
        );
    }
    check(
        claims.measres === 'success',
        'nras_measurements',
        'driver or VBIOS do not measure as NVIDIA released them, or the GPU runs in developer mode',
    );
    check(
        claims.secboot === true && claims.dbgstat === 'disabled',
        'nras_debug',
        'the GPU did not boot securely, or can be debugged',
    );
    const failed = trueClaims.find((name) => !claims[name]);
    check(failed === undefined, 'nras_claims', `the service denies ${failed}`);
}
