import { Address } from '@ton/core';
import { z } from 'zod';

/** A TON address in any of its written forms, parsed. */
export const addressField = z.string().transform((text, context) => {
    try {
        return Address.parse(text);
    } catch {
        context.addIssue({ code: 'custom', message: 'must be a TON address such as EQC… or 0:…' });
        return z.NEVER;
    }
});

/** Whole nanoTON as a decimal string, so that no JSON parser rounds it. */
export const nanoField = z
    .string()
    .regex(/^\d{1,20}$/, 'must be whole nanoTON written as a string of digits')
    .transform((digits) => BigInt(digits));

export function hexField(byteLength: number) {
    return z
        .string()
        .regex(new RegExp(`^[0-9a-f]{${byteLength * 2}}$`, 'i'), `must be ${byteLength} bytes in hex`)
        .transform((hex) => Buffer.from(hex, 'hex'));
}

export const urlField = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** Nothing in clear leaves the guest: https, or a host in it, which is loopback or the name of a container beside this one. */
export const guestUrlField = urlField.refine(
    (url) => url.startsWith('https:') || isInGuest(new URL(url).hostname),
    'must be https unless the host is loopback or a name without dots, such as a container of the same guest',
);

function isInGuest(hostname: string): boolean {
    return /^127(?:\.\d+){3}$/.test(hostname) || hostname === '[::1]' || /^[a-z0-9-]+$/i.test(hostname);
}

export const portField = z.int().min(0).max(65_535);

export const listenField = z.strictObject({
    /** Loopback unless the operator says otherwise. */
    host: z.string().min(1).default('127.0.0.1'),
    port: portField,
});

/** Nobody but this machine: what is served there is for its operator. */
export const adminField = z.strictObject({
    host: z
        .enum(
            ['127.0.0.1', '::1', 'localhost'],
            'admin endpoints are for this machine alone: 127.0.0.1, ::1 or localhost',
        )
        .default('127.0.0.1'),
    port: portField,
    /** Whoever can read it may act; made at the first start where it is missing. Without it acts are off. */
    tokenFile: z.string().min(1).optional(),
});

export const chainField = z.strictObject({
    /** toncenter v2 endpoints, such as https://toncenter.com/api/v2/jsonRPC */
    endpoints: z.array(urlField).min(1).max(8),
    /** File with the API key; without one, public endpoints allow one request a second. */
    apiKeyFile: z.string().optional(),
    timeoutMs: z.int().min(100).max(120_000).default(10_000),
    pollIntervalMs: z.int().min(50).max(60_000).default(2_000),
});

export const logLevelField = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info');
