import { createPlatform, type Collateral } from '../../../keepers/attestation';
import { parseCertificate } from '../../../keepers/attestation/parse/certificate';
import { parseCrl } from '../../../keepers/attestation/parse/crl';
import { parseHex, parsePemChain } from '../../../keepers/attestation/parse/pem';
import { bodyTypeOf, parseQuote, quoteSpan, readHeader } from '../../../keepers/attestation/parse/quote';
import { parseSgxExtension } from '../../../keepers/attestation/parse/sgx-extension';
import { parseQeIdentity, parseTcbInfo } from '../../../keepers/attestation/parse/signed-json';
import { pki, sgx, tdx } from './development-evidence';

/** A parser with valid inputs to grow others from. It may refuse with any error, but not with one of a broken invariant. */
export interface FuzzTarget {
    name: string;
    seeds: Buffer[];
    run: (input: Buffer) => unknown;
}

export function fuzzTargets(): FuzzTarget[] {
    const evidence = [tdx(), tdx({ version: 5 }), tdx({ version: 5, bodyType: 4 }), sgx()];
    const { pck, authority } = createPlatform(pki);
    const { collateral } = evidence[0]!;
    const certificates = [pck.der, authority.der, pki.root.der, pki.tcbSigner.der];
    const crls = [collateral.root_ca_crl, collateral.pck_crl].map((hex) => Buffer.from(hex, 'hex'));
    const text = (input: Buffer) => input.toString('latin1');
    return [
        { name: 'quote', seeds: evidence.map(({ quote }) => quote), run: cutQuote },
        { name: 'certificate', seeds: certificates, run: parseCertificate },
        { name: 'revocation list', seeds: crls, run: parseCrl },
        { name: 'SGX extension', seeds: [parseCertificate(pck.der).sgxExtension!], run: parseSgxExtension },
        {
            name: 'PEM chain',
            seeds: [Buffer.from(collateral.tcb_info_issuer_chain)],
            run: (input) => parsePemChain(text(input), 3),
        },
        { name: 'hex', seeds: [Buffer.from(collateral.qe_identity_signature)], run: (input) => parseHex(text(input)) },
        { name: 'TCB info', seeds: [Buffer.from(collateral.tcb_info)], run: (input) => parseTcbInfo(text(input)) },
        {
            name: 'QE identity',
            seeds: [Buffer.from(collateral.qe_identity)],
            run: (input) => parseQeIdentity(text(input)),
        },
    ];
}

function cutQuote(input: Buffer): unknown {
    quoteSpan(input);
    const header = readHeader(input);
    const type = bodyTypeOf(input, header);
    return type && parseQuote(input, header, type);
}

/** Errors that mean a mistake of ours rather than of the input. */
export function isOurFault(error: unknown): boolean {
    return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

export type Random = (below: number) => number;

export function seededRandom(seed: number): Random {
    let state = seed >>> 0;
    return (below) => {
        state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
        return Math.floor((((state ^ (state >>> 12)) >>> 0) / 2 ** 32) * below);
    };
}

const interesting = [0x00, 0x01, 0x02, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff];

/** One to four changes of the kinds that break parsers: flips, lengths, cuts, doublings, splices, or noise altogether. */
export function mutant(seeds: Buffer[], random: Random): Buffer {
    let bytes: Buffer = Buffer.from(seeds[random(seeds.length)]!);
    for (let changes = 1 + random(4); changes > 0; changes--) {
        bytes = changed(bytes, seeds, random);
    }
    return bytes;
}

function changed(bytes: Buffer, seeds: Buffer[], random: Random): Buffer {
    if (bytes.length === 0) {
        return Buffer.from([random(256)]);
    }
    const at = random(bytes.length);
    switch (random(8)) {
        case 0:
            return bytes.subarray(0, at);
        case 1:
            return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - random(64)))]);
        case 2:
            return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random(8)))]);
        case 3: {
            const other = seeds[random(seeds.length)]!;
            return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length))]);
        }
        case 4:
            return random(50) === 0 ? Buffer.from(Array.from({ length: random(300) }, () => random(256))) : bytes;
        case 5:
            bytes[at] = interesting[random(interesting.length)]!;
            return bytes;
        default:
            bytes[at] = bytes[at]! ^ (1 << random(8));
            return bytes;
    }
}

/** Processor time of a run: the machine may be busy with other things. One that seems slow is run again. */
export function quickestMs(run: () => void): number {
    let best = Infinity;
    for (let tries = 0; tries < 8 && best > 20; tries++) {
        const start = process.cpuUsage();
        run();
        const { user, system } = process.cpuUsage(start);
        best = Math.min(best, (user + system) / 1000);
    }
    return best;
}

/**
 * Whether two texts of a collateral part are the same to every reader. Chains may differ in line ends only, which no
 * certificate covers: then they must decode to the same certificates.
 */
export function meansTheSame(key: keyof Collateral, text: string, other: string): boolean {
    if (text === other || !key.endsWith('_issuer_chain')) {
        return text === other;
    }
    const decoded = [text, other].map((chain) => Buffer.concat(parsePemChain(chain, 3)).toString('hex'));
    return decoded[0] === decoded[1];
}
