import { createHash } from 'node:crypto';
import type { Collateral } from '../collateral-shape';
import { replay, sha384 } from '../measure/rtmr';
import type { DevelopmentPki } from '../mint/pki';
import { type MintedMeasurements, mintTdxQuote } from '../mint/quote';
import { dstackReportData } from './report-data';

export interface MintedEvent {
    event: string;
    payload: Buffer;
    version?: 1 | 2;
}

export interface MintDstackReportOptions {
    pki: DevelopmentPki;
    signingAddress: Buffer;
    signingAlgo?: 'ecdsa' | 'ed25519';
    /** 32 bytes */
    nonce: Buffer;
    /** Binds the TLS key as well (version 2). */
    tlsFingerprint?: Buffer;
    modelName?: string;
    /** The manifest, hashed as it is. */
    appCompose?: string;
    /** In place of what a guest measures of itself at its start. */
    events?: MintedEvent[];
    measurements?: MintedMeasurements;
    nvidiaPayload?: object;
}

export interface MintedDstackReport {
    /** As a proxy serves it, ready for JSON. */
    report: Record<string, unknown>;
    collateral: Collateral;
}

const runtimeEventType = 0x08000001;

/** A report of the real form under a development root; changing the object is how evidence that must be refused is made. */
export function mintDstackReport(options: MintDstackReportOptions): MintedDstackReport {
    const { pki, signingAddress, signingAlgo = 'ecdsa', nonce, tlsFingerprint = null } = options;
    const appCompose = options.appCompose ?? '{"manifest_version":2,"name":"development"}';
    const composeHash = createHash('sha256').update(appCompose, 'utf8').digest();
    const events = (options.events ?? bootEvents(composeHash)).map(eventOf);
    const reportData = dstackReportData({ signingAddress, tlsFingerprint, nonce });
    const measurements = {
        rtmr3: replay(events.map(({ digest }) => Buffer.from(digest, 'hex'))),
        mrConfigId: Buffer.concat([Buffer.from([1]), composeHash, Buffer.alloc(15)]),
        ...options.measurements,
    };
    const { quote, collateral } = mintTdxQuote({ pki, reportData, measurements });
    const address = signingAddress.toString('hex');
    const report = {
        signing_address: signingAlgo === 'ecdsa' ? `0x${address}` : address,
        signing_algo: signingAlgo,
        request_nonce: nonce.toString('hex'),
        intel_quote: quote.toString('hex'),
        event_log: JSON.stringify(events),
        info: { app_id: '00', tcb_info: JSON.stringify({ app_compose: appCompose }) },
        nvidia_payload: JSON.stringify({
            nonce: nonce.toString('hex'),
            evidence_list: [],
            arch: 'HOPPER',
            ...options.nvidiaPayload,
        }),
        ...(tlsFingerprint && { tls_cert_fingerprint: tlsFingerprint.toString('hex') }),
        ...(options.modelName !== undefined && { model_name: options.modelName }),
    };
    return { report: { ...report, all_attestations: [report] }, collateral };
}

/** In the order of dstack 0.5. */
function bootEvents(composeHash: Buffer): MintedEvent[] {
    const named = (event: string, payload: Buffer = Buffer.alloc(0)) => ({ event, payload });
    return [
        named('system-preparing'),
        named('app-id', composeHash.subarray(0, 20)),
        named('compose-hash', composeHash),
        named('instance-id', Buffer.alloc(20, 1)),
        named('boot-mr-done'),
        named('os-image-hash', Buffer.alloc(32, 2)),
        named('system-ready'),
    ];
}

function eventOf({ event, payload, version = 1 }: MintedEvent) {
    const type = Buffer.alloc(4);
    type.writeUInt32LE(runtimeEventType);
    const hex = payload.toString('hex');
    const preimage =
        version === 1
            ? Buffer.concat([type, Buffer.from(`:${event}:`, 'utf8'), payload])
            : Buffer.from(JSON.stringify({ name: event, payload: hex, type: runtimeEventType }), 'utf8');
    return {
        imr: 3,
        event_type: runtimeEventType,
        digest: sha384(preimage).toString('hex'),
        event,
        event_payload: hex,
        ...(version === 2 && { version }),
    };
}
