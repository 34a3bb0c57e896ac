import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AdminError } from './errors';

/**
 * A page that a browser on this machine shows may reach the loopback too, under its own name where DNS was rebound. Such
 * a request names another host, or says where it comes from: either way it gets nothing, not even a number to read.
 * @throws AdminError
 */
export function refuseForeigners(headers: IncomingHttpHeaders): void {
    if (!isLoopbackName(headers.host)) {
        throw new AdminError('admin_host_refused', 'ask for it as 127.0.0.1, [::1] or localhost');
    }
    const site = headers['sec-fetch-site'];
    if (headers.origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin')) {
        throw new AdminError('admin_origin_refused', 'no page of any site may ask here');
    }
}

function isLoopbackName(host: string | undefined): boolean {
    return host !== undefined && /^(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?$/i.test(host);
}

/**
 * What an act needs besides: a form can't send JSON without asking first, and nobody answers that here.
 * @throws AdminError
 */
export function requireOperator(headers: IncomingHttpHeaders, token: string | null): void {
    if (headers['sec-fetch-site'] !== undefined)
        throw new AdminError('admin_origin_refused', 'acts are not for browsers: use curl or cocoon');
    if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
        throw new AdminError('admin_content_type', 'send content-type: application/json');
    if (token === null)
        throw new AdminError('admin_token_missing', 'acts are off: set admin.tokenFile and start again');
    const given = /^Bearer ([\x21-\x7e]{1,512})$/.exec(headers.authorization ?? '')?.[1];
    if (given === undefined || !isSame(given, token))
        throw new AdminError('admin_token_wrong', 'send authorization: Bearer with the text of admin.tokenFile');
}

/** In a time that tells nothing about the token, its length included. */
function isSame(one: string, other: string): boolean {
    return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
    return createHash('sha256').update(text, 'utf8').digest();
}
