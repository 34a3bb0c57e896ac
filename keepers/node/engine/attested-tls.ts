import { createHash } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { EngineError } from './errors';

/**
 * Connects to an engine whose quote binds its TLS key. The key is what counts: a certificate authority's word adds nothing
 * to it, and an engine in a TEE may have signed its certificate itself.
 * @param accepted SHA-256 of the public key infos that may serve, in hex
 */
export function attestedConnector(accepted: () => ReadonlySet<string>, timeoutMs: number): buildConnector.connector {
    // A resumed session shows no certificate, so none is kept.
    const connect = buildConnector({ rejectUnauthorized: false, maxCachedSessions: 0, timeout: timeoutMs });
    return (options, callback) =>
        connect(options, (...[error, socket]: [Error | null, unknown]) => {
            if (error !== null) return callback(error, null);
            const peer = socket as TLSSocket;
            if (accepted().has(fingerprintOf(peer) ?? '')) return callback(null, peer);
            peer.destroy();
            callback(
                new EngineError('engine_unattested', 'the engine serves TLS with a key that it did not attest'),
                null,
            );
        });
}

/** Undefined for a connection without TLS. */
function fingerprintOf(socket: TLSSocket): string | undefined {
    if (!(socket instanceof TLSSocket)) return undefined;
    const key = socket.getPeerX509Certificate()?.publicKey.export({ format: 'der', type: 'spki' });
    return key && createHash('sha256').update(key).digest('hex');
}
