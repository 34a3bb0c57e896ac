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

/** How long what is closed is kept. Two hours at least: for so long a request can be sent again. */
export function retentionField(defaultDays: number) {
    return z
        .number()
        .min(2)
        .max(100 * 8_766)
        .default(defaultDays * 24);
}

export const portField = z.int().min(0).max(65_535);

export const listenField = z.strictObject({
    /** Loopback unless the operator says otherwise. */
    host: z.string().min(1).default('127.0.0.1'),
    port: portField,
});

/** Where spans go: none without it. */
export const tracesField = z.strictObject({
    /** An OTLP collector's traces over HTTP, such as http://127.0.0.1:4318/v1/traces; https unless it is on this machine. */
    otlpUrl: guestUrlField,
    /** Of the header authorization, where the collector wants one. */
    authorizationFile: z.string().min(1).optional(),
    /** Share of requests. */
    sampleRatio: z.number().min(0).max(1).default(0.05),
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

const endpointField = z
    .strictObject({
        /** v2: toncenter's JSON-RPC. v4: the base of an API that TonClient4 speaks. */
        url: urlField,
        kind: z.enum(['v2', 'v4']).default('v2'),
        apiKey: z.string().min(1).max(512).optional(),
        apiKeyFile: z.string().min(1).optional(),
        /** One where public and without a key, ten with a key, unlimited on a private network. */
        requestsPerSecond: z.number().positive().max(10_000).optional(),
    })
    .refine(({ apiKey, apiKeyFile }) => apiKey === undefined || apiKeyFile === undefined, {
        message: 'either apiKey or apiKeyFile',
    });

export const chainField = z
    .strictObject({
        /**
         * A text is the URL of a toncenter v2 endpoint, such as https://toncenter.com/api/v2/jsonRPC. With endpoints of two
         * hosts, what adds trust or moves money is believed when two agree.
         */
        endpoints: z
            .array(z.union([urlField, endpointField]))
            .min(1)
            .max(8),
        /** File with the API key of endpoints given by their URL alone. */
        apiKeyFile: z.string().min(1).optional(),
        timeoutMs: z.int().min(100).max(120_000).default(10_000),
        pollIntervalMs: z.int().min(50).max(60_000).default(2_000),
    })
    .superRefine(({ endpoints, apiKeyFile }, context) => {
        const urls = endpoints.map((endpoint) => (typeof endpoint === 'string' ? endpoint : endpoint.url));
        if (new Set(urls).size < urls.length) {
            context.addIssue({ code: 'custom', path: ['endpoints'], message: 'the same endpoint twice' });
        }
        const bare = endpoints.filter((endpoint) => typeof endpoint === 'string').map((url) => new URL(url).host);
        if (apiKeyFile !== undefined && new Set(bare).size > 1) {
            const message = 'one key for endpoints of several hosts: give each its own, as {"url", "apiKeyFile"}';
            context.addIssue({ code: 'custom', path: ['apiKeyFile'], message });
        }
    });

export const logLevelField = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info');
