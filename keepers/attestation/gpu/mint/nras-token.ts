import { createHash } from 'node:crypto';
import { p384, SigningKey } from '../../mint/signing-key';
import { chainClaims, trueClaims, type DetachedEat } from '../nras/claims';
import type { GpuFacts } from '../verify/gpu-verdict';

type Json = Record<string, unknown>;

/** A development counterpart of the service's signing key. */
export interface NrasSigner {
    key: SigningKey;
    kid: string;
    issuer: string;
}

export interface NrasTokenOptions {
    signer: NrasSigner;
    nonce: Buffer;
    at: Date;
    /** One for each GPU: what the service found. */
    gpus: GpuFindings[];
    changes?: NrasTokenChanges;
}

export interface GpuFindings {
    facts: GpuFacts;
    measurementsMatch: boolean;
    isRevoked: boolean;
    /** Last changes to the GPU's claims. */
    claims?: Json;
}

/** Changes that make tokens which must be refused. */
export interface NrasTokenChanges {
    header?: Json;
    overall?: Json;
    /** In place of the tokens' own signatures. */
    sign?: (input: string) => Buffer;
    /** Last change to the GPUs' tokens, after they were digested. */
    tokens?: (tokens: Record<string, string>) => Record<string, string>;
}

const lifeSec = 3600;

export function createNrasSigner(seed: Buffer, issuer: string): NrasSigner {
    return { key: new SigningKey(seed, 'nras', p384), kid: 'cocoon-development-nras', issuer };
}

/** The service's key as its JWKS lists it. */
export function nrasKeysOf({ key, kid }: NrasSigner): { keys: Json[] } {
    const [x, y] = [key.publicKey.subarray(1, 49), key.publicKey.subarray(49)].map((half) =>
        half.toString('base64url'),
    );
    return { keys: [{ kty: 'EC', crv: 'P-384', use: 'sig', alg: 'ES384', kid, x, y }] };
}

/** The service's answer: one token for each GPU and one over all that names them by digest. */
export function mintNrasToken(options: NrasTokenOptions): DetachedEat {
    const { gpus, changes = {} } = options;
    const tokens = Object.fromEntries(gpus.map((gpu, i) => [`GPU-${i}`, encode(gpuClaims(gpu, options), options)]));
    const submods = Object.fromEntries(
        Object.entries(tokens).map(([name, token]) => {
            const digest = createHash('sha256').update(token).digest('hex');
            return [name, ['DIGEST', ['SHA-256', digest]]];
        }),
    );
    const overall = {
        sub: 'NVIDIA-PLATFORM-ATTESTATION',
        'x-nvidia-ver': '3.0',
        ...scopeOf(options),
        'x-nvidia-overall-att-result': gpus.every(
            ({ measurementsMatch, isRevoked }) => measurementsMatch && !isRevoked,
        ),
        submods,
        ...changes.overall,
    };
    return [['JWT', encode(overall, options)], changes.tokens?.(tokens) ?? tokens];
}

function scopeOf({ signer, nonce, at }: NrasTokenOptions): Json {
    const nowSec = Math.floor(at.getTime() / 1000);
    return { iss: signer.issuer, iat: nowSec, nbf: nowSec, exp: nowSec + lifeSec, eat_nonce: nonce.toString('hex') };
}

function gpuClaims({ facts, measurementsMatch, isRevoked, claims }: GpuFindings, options: NrasTokenOptions): Json {
    const good = { 'x-nvidia-cert-status': 'valid', 'x-nvidia-cert-ocsp-status': 'good' };
    const chains = Object.fromEntries(chainClaims.map((name) => [name, { ...good }]));
    if (isRevoked) {
        chains['x-nvidia-gpu-attestation-report-cert-chain'] = {
            'x-nvidia-cert-status': 'valid',
            'x-nvidia-cert-ocsp-status': 'revoked',
        };
    }
    return {
        ...scopeOf(options),
        ueid: facts.ueid,
        hwmodel: `${facts.chip} A01 GSP BROM`,
        oemid: '5703',
        'x-nvidia-gpu-driver-version': facts.driverVersion,
        'x-nvidia-gpu-vbios-version': facts.vbiosVersion,
        measres: measurementsMatch ? 'success' : 'fail',
        secboot: measurementsMatch ? true : null,
        dbgstat: measurementsMatch ? 'disabled' : null,
        'x-nvidia-attestation-warning': null,
        ...Object.fromEntries(trueClaims.map((name) => [name, true])),
        ...chains,
        ...claims,
    };
}

function encode(claims: Json, { signer, changes = {} }: NrasTokenOptions): string {
    const header = { kid: signer.kid, alg: 'ES384', ...changes.header };
    const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = changes.sign?.(input) ?? signer.key.sign(Buffer.from(input));
    return `${input}.${signature.toString('base64url')}`;
}
