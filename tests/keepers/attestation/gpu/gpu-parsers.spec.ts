import { randomBytes, randomInt } from 'node:crypto';
import type { GpuDocument } from '../../../../keepers/attestation/gpu';
import { parseDeviceCertificate } from '../../../../keepers/attestation/gpu/parse/device-certificate';
import { parseCompositeDeviceId, parseTcbInfo } from '../../../../keepers/attestation/gpu/parse/dice';
import { parseOpaqueData } from '../../../../keepers/attestation/gpu/parse/opaque-data';
import { parseGpuReport } from '../../../../keepers/attestation/gpu/parse/spdm';
import { FormatError } from '../../../../keepers/attestation/parse/format-error';
import { parsePemChain } from '../../../../keepers/attestation/parse/pem';
import { gpu, judge } from './development-gpus';

const rounds = 20_000;

/** One to four changes of the kinds that break parsers: bits, whole bytes, cuts, repeats, lengths. */
function mutated(bytes: Buffer): Buffer {
    let changed = Buffer.from(bytes);
    for (let n = randomInt(1, 5); n > 0 && changed.length > 1; n--) {
        const at = randomInt(changed.length);
        const kinds = [
            () => void (changed[at]! ^= 1 << randomInt(8)),
            () => void (changed[at] = [0, 0x7f, 0x80, 0xff][randomInt(4)]!),
            () => void (changed = changed.subarray(0, at)),
            () => void (changed = Buffer.concat([changed, randomBytes(randomInt(1, 40))])),
            () => void (changed = Buffer.concat([changed.subarray(0, at), changed])),
            () => void (changed = Buffer.concat([changed.subarray(0, at), randomBytes(3), changed.subarray(at)])),
        ];
        kinds[randomInt(kinds.length)]!();
    }
    return changed;
}

const [hopper] = gpu() as [GpuDocument[number]];
const [blackwell] = gpu({ featureFlag: 1 }, { architecture: 'BLACKWELL' }) as [GpuDocument[number]];
const chainOf = (one: GpuDocument[number]) => Buffer.from(one.certificate, 'base64').toString('latin1');
const leafOf = (one: GpuDocument[number]) => parsePemChain(chainOf(one), 5)[0]!;
const report = Buffer.from(hopper.evidence, 'base64');
const opaque = report.subarray(37 + 8 + 3520 + 32 + 2, -96);

const parsers: [string, Buffer, (bytes: Buffer) => unknown][] = [
    ['reports', report, parseGpuReport],
    ['opaque data', opaque, parseOpaqueData],
    ["Hopper's certificates", leafOf(hopper), parseDeviceCertificate],
    ["Blackwell's certificates", leafOf(blackwell), parseDeviceCertificate],
    ['composite device ids', leafOf(hopper).subarray(-300), parseCompositeDeviceId],
    ['TCB info', leafOf(blackwell).subarray(-300), parseTcbInfo],
];

describe('parsers of GPU evidence', () => {
    it.each(parsers)('of %s throw nothing but a FormatError, whatever the bytes', (_, valid, parse) => {
        for (let round = 0; round < rounds; round++) {
            const bytes = round % 10 === 0 ? randomBytes(randomInt(valid.length + 1)) : mutated(valid);
            try {
                parse(bytes);
            } catch (error) {
                if (!(error instanceof FormatError)) throw new Error(`on ${bytes.toString('hex')}`, { cause: error });
            }
        }
    });

    it('turn every change of a minted document into a verdict with a reason', () => {
        const text = JSON.stringify([hopper, blackwell]);
        for (let round = 0; round < 300; round++) {
            const changed = mutated(Buffer.from(text)).toString('latin1');
            let document: unknown;
            try {
                document = JSON.parse(changed);
            } catch {
                document = changed;
            }
            const verdict = judge(document, { policy: {} });
            expect(verdict.failedCheck).not.toBe('internal_error');
            expect(verdict.verdict === 'accepted').toBe(verdict.failedCheck === null);
        }
    });

    it.each([null, undefined, 0, 'text', {}, [], [null], [[]], [{}], new Array(5)])(
        'judge %p as no evidence',
        (input) => {
            expect(judge(input)).toMatchObject({ verdict: 'rejected', failedCheck: 'gpu_evidence_format' });
        },
    );

    it('refuse any change to a byte that is signed', () => {
        for (let i = randomInt(16); i < report.length - 96; i += 16) {
            const changed = Buffer.from(report);
            changed[i]! ^= randomInt(1, 256);
            const nonce = changed.toString('hex', 4, 36);
            const entry = { ...hopper, evidence: changed.toString('base64'), nonce };
            expect(judge([entry], { claims: {} }).verdict).toBe('rejected');
        }
    });
});

describe('what a report must be', () => {
    const edits: [string, (bytes: Buffer) => void][] = [
        ['a request of another SPDM version', (bytes) => (bytes[0] = 0x10)],
        ['a request for no signature', (bytes) => (bytes[2] = 0)],
        ['a request for one measurement', (bytes) => (bytes[3] = 1)],
        ['a request to another slot', (bytes) => (bytes[36] = 1)],
        ['a response of another kind', (bytes) => (bytes[38] = 0x61)],
        ['a response of another SPDM version', (bytes) => (bytes[37] = 0x12)],
        ['blocks that are fewer than counted', (bytes) => (bytes[41] = 65)],
        ['blocks out of order', (bytes) => (bytes[45] = 2)],
        ['a block not as DMTF defines', (bytes) => (bytes[46] = 2)],
        ['a digest of another length', (bytes) => (bytes[50] = 47)],
    ];
    it.each(edits)('refuses %s', (_, edit) => {
        const change = (bytes: Buffer) => {
            edit(bytes);
            return bytes;
        };
        expect(judge(gpu({ changes: { edit: change } })).failedCheck).toBe('gpu_report_format');
    });

    const flag = (value: number) => judge(gpu({ featureFlag: value }));
    it('knows three ways of passing GPUs to a guest, and refuses a fourth', () => {
        expect([0, 1, 2].map((value) => flag(value).gpus[0]!.feature)).toEqual(['single', 'multi', 'protected-pcie']);
        expect(flag(3).failedCheck).toBe('gpu_report_format');
    });

    it('refuses a field given twice', () => {
        const twice = Buffer.concat([opaque, opaque]);
        expect(() => parseOpaqueData(twice)).toThrow(FormatError);
    });
});
