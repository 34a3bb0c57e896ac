import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
    AttestationError,
    createGpu,
    createGpuPki,
    mintGpuDocument,
    verifyTdxQuote,
} from '../../../../keepers/attestation';
import type { MintGpuOptions } from '../../../../keepers/attestation/gpu';
import {
    type DstackCheckCode,
    dstackCheckCodes,
    type DstackVerdict,
    judgeDstackAttestation,
    parseDstackReport,
    verifyDstackAttestation,
} from '../../../../keepers/attestation/dstack';
import { now, pki, seed } from '../development-evidence';
import { address, changed, judge, mint, nonce, wallet } from './development-report';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const os = { mrtd: '00'.repeat(48), rtmr0: '00'.repeat(48), rtmr1: '00'.repeat(48), rtmr2: '00'.repeat(48) };
const gpuPki = createGpuPki({ seed, now });
const gpuRootPublicKey = gpuPki.rootPublicKey;
const manifest = '{"manifest_version":2,"name":"engine"}';

describe('a dstack report', () => {
    it('is accepted with a good quote that binds its signing address and the nonce', () => {
        const verdict = judge(mint({ appCompose: manifest, modelName: 'toy' }), {
            nonce,
            os: [os],
            composeHashes: [sha256(manifest)],
        });
        expect(verdict).toMatchObject({
            verdict: 'accepted',
            status: 'UpToDate',
            failedCheck: null,
            role: 'node',
            signingAddress: wallet.address.slice(2).toLowerCase(),
            signingAlgo: 'ecdsa',
            modelName: 'toy',
            nonce: nonce.toString('hex'),
            nonceChecked: true,
            tlsFingerprint: null,
            composeHash: sha256(manifest),
            instanceId: '01'.repeat(20),
            osImageHash: '02'.repeat(32),
            gpus: null,
        });
    });

    it('says so where no nonce was asked for, and the rest decides', () => {
        expect(judge(mint())).toMatchObject({ verdict: 'accepted', nonceChecked: false, nonce: nonce.toString('hex') });
    });

    it('may bind a TLS key beside the address, and an Ed25519 key in place of it', () => {
        const tlsFingerprint = Buffer.alloc(32, 5);
        expect(judge(mint({ tlsFingerprint }), { nonce })).toMatchObject({
            verdict: 'accepted',
            tlsFingerprint: '05'.repeat(32),
        });
        const ed25519 = mint({ signingAddress: Buffer.alloc(32, 6), signingAlgo: 'ed25519' });
        expect(judge(ed25519, { nonce })).toMatchObject({ verdict: 'accepted', signingAlgo: 'ed25519' });
    });

    it('may leave out event log, manifest and GPUs; then nothing is known of them', () => {
        const bare = changed(mint(), { event_log: null, info: {}, nvidia_payload: null });
        expect(judge(bare, { nonce })).toMatchObject({ verdict: 'accepted', composeHash: null, gpus: null });
    });

    it('may give its event log, tcb_info and GPU payload as JSON or as JSON in a string', () => {
        const { report, collateral } = mint();
        const info = report['info'] as { tcb_info: string };
        const plain = {
            event_log: JSON.parse(report['event_log'] as string) as unknown,
            info: { tcb_info: JSON.parse(info.tcb_info) as unknown },
            nvidia_payload: JSON.parse(report['nvidia_payload'] as string) as unknown,
        };
        expect(judge(changed({ report, collateral }, plain), { nonce }).verdict).toBe('accepted');
    });

    it('is judged with the GPUs that it shows, on the same nonce', () => {
        const verdict = judge(mintWithGpus(), { nonce, minGpus: 1, gpuRootPublicKey });
        expect(verdict).toMatchObject({
            verdict: 'accepted',
            gpus: {
                verdict: 'accepted',
                gpus: [{ architecture: 'HOPPER' }],
                checks: { nonce: 'matched', mode: 'unstated' },
            },
        });
        const twice = createGpu(gpuPki, {});
        for (const [refused, code] of [
            [judge(mintWithGpus(), {}), 'gpu_chain_root'],
            [judge(mintWithGpus({}, [twice, twice]), { gpuRootPublicKey }), 'gpu_repeated'],
            [judge(mintWithGpus({ nonce: Buffer.alloc(32, 1) }), { gpuRootPublicKey }), 'gpu_nonce'],
        ] as const) {
            expect(refused).toMatchObject({
                failedCheck: 'dstack_gpu_evidence',
                detail: expect.stringContaining(code) as string,
            });
        }
    });

    it('may hold events of version 2, and events without their digest', () => {
        const composeHash = Buffer.from(sha256(manifest), 'hex');
        const events = [
            { event: 'compose-hash', payload: composeHash, version: 2 as const },
            { event: 'a "name" of \u{1f980}\n', payload: Buffer.alloc(0), version: 2 as const },
        ];
        const minted = mint({ appCompose: manifest, events });
        expect(judge(minted)).toMatchObject({ verdict: 'accepted', composeHash: sha256(manifest) });
        const log = JSON.parse(minted.report['event_log'] as string) as { digest: string; version?: number }[];
        for (const event of log) event.digest = '';
        expect(judge(changed(minted, { event_log: log })).verdict).toBe('accepted');
        for (const event of log) delete event.version;
        expect(judge(changed(minted, { event_log: log })).failedCheck).toBe('dstack_rtmr3');
    });

    it('is of what the guest measured first, not of what an application extends later under the same name', () => {
        const events = [
            { event: 'compose-hash', payload: Buffer.from(sha256(manifest), 'hex') },
            { event: 'system-ready', payload: Buffer.alloc(0) },
            { event: 'compose-hash', payload: Buffer.alloc(32, 9) },
        ];
        expect(judge(mint({ appCompose: manifest, events })).composeHash).toBe(sha256(manifest));
        const forged = {
            appCompose: 'forged',
            events: events.slice(0, 2),
            measurements: { mrConfigId: Buffer.alloc(48) },
        };
        expect(judge(mint(forged)).failedCheck).toBe('dstack_app_compose');
    });

    it('keeps the quote’s own verdict where the quote is refused', () => {
        const foreign = mint();
        const verdict = verifyDstackAttestation(parseDstackReport(foreign.report)[0]!, foreign.collateral, { at: now });
        expect(verdict).toMatchObject({ verdict: 'rejected', failedCheck: 'pck_chain_root', nonceChecked: false });
        const debug = { at: now, rootPublicKey: pki.rootPublicKey, policy: { statuses: [] } };
        expect(verifyDstackAttestation(parseDstackReport(foreign.report)[0]!, foreign.collateral, debug)).toMatchObject(
            {
                failedCheck: 'policy_status',
            },
        );
    });

    it('of a cloud is of its gateway and each of its models', () => {
        const one = mint().report;
        const roles = parseDstackReport({ gateway_attestation: one, model_attestations: [one, one] });
        expect(roles.map(({ role }) => role)).toEqual(['gateway', 'model', 'model']);
        expect(parseDstackReport(one)).toHaveLength(1);
        const replica = mint({ signingAddress: Buffer.alloc(20, 4) }).report;
        expect(parseDstackReport({ ...one, all_attestations: [one, replica] })).toHaveLength(2);
    });
});

/** For every code a report with that one flaw. */
const flawed: Record<DstackCheckCode, () => DstackVerdict> = {
    dstack_signing_address: () => judge(mint({ signingAddress: address.subarray(1) }), { nonce }),
    dstack_report_data: () => judge(changed(mint(), { signing_address: `0x${'11'.repeat(20)}` }), { nonce }),
    dstack_nonce: () => judge(mint({ nonce: Buffer.alloc(32, 1) }), { nonce }),
    dstack_claims: () => judge(changed(mint(), { request_nonce: '11'.repeat(32) })),
    dstack_event_log: () => judge(changed(mint(), { event_log: '[{"imr":3}]' })),
    dstack_event_digest: () => judge(withEvent(1, (event) => ({ ...event, event_payload: '00' }))),
    dstack_rtmr3: () => judge(withEvent(1, () => null)),
    dstack_app_compose: () => judge(changed(mint(), { info: { tcb_info: '{"app_compose":"another"}' } })),
    dstack_mr_config_id: () => judge(mint({ measurements: { mrConfigId: Buffer.alloc(48, 1) } })),
    dstack_gpu_nonce: () => judge(mint({ nvidiaPayload: { nonce: '11'.repeat(32) } })),
    dstack_gpu_missing: () => judge(mint(), { minGpus: 1 }),
    dstack_gpu_evidence: () => judge(mintWithGpus({ nonce: Buffer.alloc(32, 1) }), { gpuRootPublicKey }),
    dstack_os_denied: () => judge(mint(), { os: [{ ...os, rtmr1: '11'.repeat(48) }] }),
    dstack_compose_denied: () => judge(mint({ appCompose: manifest }), { composeHashes: ['11'.repeat(32)] }),
};

/** As proxies write it: no word on the GPUs' mode, the nonce beside the list. */
function mintWithGpus(options: Partial<MintGpuOptions> = {}, devices = [createGpu(gpuPki, {})]) {
    const document = mintGpuDocument(devices, { nonce, ccMode: null, devTools: null, ...options });
    const list = document.map(({ arch, certificate, evidence }) => ({ arch, certificate, evidence }));
    return mint({ nvidiaPayload: { evidence_list: list } });
}

function withEvent(index: number, change: (event: Record<string, unknown>) => Record<string, unknown> | null) {
    const minted = mint();
    const events = JSON.parse(minted.report['event_log'] as string) as Record<string, unknown>[];
    return changed(minted, {
        event_log: events.flatMap((event, at) => (at === index ? (change(event) ?? []) : event)),
    });
}

describe('every refusal of a dstack report', () => {
    it.each(dstackCheckCodes)('%s', (code) => {
        const verdict = flawed[code]();
        expect(verdict).toMatchObject({ verdict: 'rejected', failedCheck: code, validUntil: null });
        expect(verdict.detail).not.toBe('');
    });

    it.each([
        ['report data copied wrongly', 'dstack_claims', changed(mint(), { report_data: '22'.repeat(64) })],
        [
            'a TLS key that is not bound',
            'dstack_report_data',
            changed(mint(), { tls_cert_fingerprint: '33'.repeat(32) }),
        ],
        ['half a TLS key', 'dstack_signing_address', changed(mint(), { tls_cert_fingerprint: '33'.repeat(16) })],
        ['an event log that is no JSON', 'dstack_event_log', changed(mint(), { event_log: '[' })],
        ['an empty event log', 'dstack_rtmr3', changed(mint(), { event_log: [] })],
        ['a firmware event in RTMR3', 'dstack_event_digest', withEvent(0, (e) => ({ ...e, event_type: 4 }))],
        [
            'an event with a colon in its name',
            'dstack_event_digest',
            mint({ events: [{ event: 'a:b', payload: nonce }] }),
        ],
        ['a manifest without a log that measured it', 'dstack_app_compose', changed(mint(), { event_log: null })],
        ['tcb_info that is no JSON', 'dstack_app_compose', changed(mint(), { info: { tcb_info: '{' } })],
        ['a GPU payload without nonce', 'dstack_gpu_nonce', changed(mint(), { nvidia_payload: '{}' })],
        ['a GPU payload that is no JSON', 'dstack_gpu_nonce', changed(mint(), { nvidia_payload: 'x' })],
    ])('%s is %s', (_, code, minted) => {
        expect(judge(minted).failedCheck).toBe(code);
    });

    it('a manifest is demanded and the report does not say which runs', () => {
        const silent = changed(mint(), { event_log: null, info: {} });
        expect(judge(silent, { composeHashes: [sha256(manifest)] }).failedCheck).toBe('dstack_compose_denied');
    });
});

/** The guest measured the bad manifest; the application then extended the good one's hash under the same name. */
describe('a guest that runs another manifest than it shows', () => {
    const good = Buffer.from(sha256(manifest), 'hex');
    // One in 256 manifests has a hash that begins with a colon, and whoever writes the manifest can choose.
    const bad = Array.from({ length: 5_000 }, (_, i) => `bad ${i}`).find((text) => sha256(text).startsWith('3a'))!;
    const events = [
        { event: 'compose-hash', payload: Buffer.from(sha256(bad), 'hex') },
        { event: 'system-ready', payload: Buffer.alloc(0) },
        { event: 'compose-hash', payload: good },
    ];
    const minted = mint({ appCompose: manifest, events, measurements: { mrConfigId: Buffer.alloc(48) } });
    const logged = JSON.parse(minted.report['event_log'] as string) as Record<string, unknown>[];
    const hiding = (change: Record<string, unknown>) => {
        const [first, ...rest] = logged;
        return judge(changed(minted, { event_log: [{ ...first, ...change }, ...rest] })).failedCheck;
    };

    it('is found out by its first event', () => {
        expect(judge(minted).failedCheck).toBe('dstack_app_compose');
    });

    it('cannot hide that event as one of another type', () => {
        expect(hiding({ event_type: 4 })).toBe('dstack_event_digest');
    });

    it('cannot hide it by moving the boundary of name and payload, which leaves the digest as it is', () => {
        const hash = sha256(bad);
        expect(hiding({ event: 'compose-hash:', event_payload: hash.slice(2) })).toBe('dstack_event_digest');
    });

    it('cannot hide it in another register, nor leave it out', () => {
        expect(hiding({ imr: 2 })).toBe('dstack_rtmr3');
        expect(judge(changed(minted, { event_log: logged.slice(1) })).failedCheck).toBe('dstack_rtmr3');
    });
});

describe('one changed character', () => {
    const minted = mint({ appCompose: manifest });
    const { report } = minted;
    const at = { at: now, rootPublicKey: pki.rootPublicKey };
    const quote = verifyTdxQuote(parseDstackReport(report)[0]!.quote, minted.collateral, at);
    const fields = ['signing_address', 'request_nonce', 'event_log', 'app_compose', 'nvidia_payload'] as const;
    const textOf = (field: (typeof fields)[number]) => (field === 'app_compose' ? manifest : (report[field] as string));

    it.each(fields)('anywhere in %s is refused', (field) => {
        const text = textOf(field);
        const accepted = [...text].flatMap((old, at) => {
            const other = /[0-9a-f]/.test(old) ? (old === '1' ? '2' : '1') : '#';
            const edited = text.slice(0, at) + other + text.slice(at + 1);
            const change =
                field === 'app_compose' ? { info: { tcb_info: { app_compose: edited } } } : { [field]: edited };
            return isAccepted(changed(minted, change).report)
                ? [`${at}: ${text.slice(Math.max(0, at - 20), at + 20)}`]
                : [];
        });
        // Which architecture an empty list of GPUs would be of says nothing.
        expect(accepted.filter((where) => !where.includes('arch') && !where.includes('evidence_list'))).toEqual([]);
    });

    /** The quote is the same each time, so it is judged once. */
    function isAccepted(changedReport: Record<string, unknown>): boolean {
        try {
            const [attestation] = parseDstackReport(changedReport);
            return judgeDstackAttestation(attestation!, quote, { nonce }).verdict === 'accepted';
        } catch (error) {
            expect(error).toBeInstanceOf(AttestationError);
            return false;
        }
    }
});

describe('a report that is none', () => {
    it.each([
        ['nothing', null],
        ['a list', []],
        ['no quote', { signing_address: '0x00', signing_algo: 'ecdsa' }],
        ['a quote beyond any real one', { ...mint().report, intel_quote: '00'.repeat(65 * 1024) }],
        ['another algorithm', { ...mint().report, signing_algo: 'rsa' }],
        ['an odd number of digits', { ...mint().report, signing_address: '0x1' }],
    ])('is unusable: %s', (_, json) => {
        expect(() => parseDstackReport(json)).toThrow(expect.objectContaining({ code: 'evidence_unusable' }) as Error);
    });

    it('is refused by a typed error or a verdict, whatever the JSON', () => {
        const names = fc.constantFrom(...Object.keys(mint().report), 'model_attestations', 'gateway_attestation');
        const value = fc.oneof(fc.jsonValue(), fc.string(), fc.constant('00'), fc.constant([{ imr: 3 }]));
        const minted = mint();
        fc.assert(
            fc.property(fc.dictionary(names, value), fc.boolean(), (changes, whole) => {
                const report = whole ? changes : { ...minted.report, ...changes };
                try {
                    const verdict = judge({ ...minted, report });
                    expect(['accepted', 'rejected']).toContain(verdict.verdict);
                } catch (error) {
                    expect(error).toBeInstanceOf(AttestationError);
                }
            }),
            { numRuns: 400 },
        );
    });
});
