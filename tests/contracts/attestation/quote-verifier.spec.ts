import { createHash } from 'node:crypto';
import { Address, Cell, toNano } from '@ton/core';
import { loadRegistrationRefused } from '../../../build/QuoteVerifier/QuoteVerifier_QuoteVerifier';
import { cutQuote, packParts, packQuote } from '../../../wrappers/quote-packer';
import { QuotePackError } from '../../../wrappers/quote-packer-error';
import { intelRootKey, QuoteVerifier, quoteVerifierErrors } from '../../../wrappers/quote-verifier';
import {
    authorization,
    blocksWith,
    bundle,
    createVerifier,
    mintedEvaluation,
    namedBlock,
    Outcome,
    postCollateral,
} from './support/environment';
import { collateralOf, createAuthority, mintedAtSec, MintOptions, mintQuote, ppidOfMint } from './support/minted-quote';
import { readCollateral, type RealVector, realVectors } from '../../keepers/attestation/real-vectors';
import { describeWithVectors, readVector } from './support/vectors';
import { atPrices } from '../../support/fee-config';

const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const toHex = (value: bigint): string => value.toString(16).padStart(64, '0');

/** What the registry must hear of a quote, read from its bytes by offset. */
function expectedFields(quote: Buffer, ppid: Buffer) {
    const body = quote.subarray(quote.readUInt16LE() === 5 ? 54 : 48);
    return {
        imageId: sha256(body.subarray(136, 184), body.subarray(328, 520)).toString('hex'),
        platformId: sha256(ppid).toString('hex'),
        bundleHash: body.subarray(520, 552).toString('hex'),
        evidence: body.subarray(552, 584).toString('hex') + body.subarray(120, 128).toString('hex'),
    };
}

function deliveredFields({ delivered }: Outcome) {
    const { imageId, platformId, bundleHash, evidence } = delivered!;
    return {
        imageId: toHex(imageId),
        platformId: toHex(platformId),
        bundleHash: toHex(bundleHash),
        evidence: evidence.beginParse().loadBuffer(40).toString('hex'),
    };
}

describe('a quote minted under a development root', () => {
    const authority = createAuthority();

    let environment: Awaited<ReturnType<typeof createVerifier>>;

    beforeAll(async () => {
        environment = await createVerifier({
            rootKey: authority.root.point,
            nowSec: mintedAtSec,
            collateral: [collateralOf(authority)],
        });
    });

    async function verdictOf(options: Partial<MintOptions>): Promise<string> {
        return (await environment.verify(packQuote(mintQuote({ authority, ...options })))).verdict;
    }

    it.each([4, 5] as const)('of version %i reaches the registry with exactly what it says', async (version) => {
        const { verify, sender } = environment;
        const quote = mintQuote({ authority, version });
        const outcome = await verify(packQuote(quote));
        expect(outcome.verdict).toBe('verified');
        expect(deliveredFields(outcome)).toEqual(expectedFields(quote, ppidOfMint));
        expect(outcome.delivered).toMatchObject({ queryId: 7n });
        expect(outcome.delivered!.responseTo).toEqualAddress(sender.address);
        expect(outcome.delivered!.bundle).toEqualCell(bundle);
        expect(outcome.delivered!.authorization).toEqualCell(authorization);
    });

    it('is refused under any other root', async () => {
        const { verify } = await createVerifier({ rootKey: createAuthority().root.point, nowSec: mintedAtSec });
        const { verdict, delivered } = await verify(packQuote(mintQuote({ authority })));
        expect(verdict).toBe('CA certificate is not signed by the root');
        expect(delivered).toBeUndefined();
    });

    it('is refused by a production verifier that names this root', async () => {
        const { verify } = await createVerifier({ rootKey: authority.root.point, kind: 1, nowSec: mintedAtSec });
        const { verdict } = await verify(packQuote(mintQuote({ authority })));
        expect(verdict).toBe("production needs Intel's root");
    });

    it.each([0, 63])('may carry %i bytes of QE authentication data', async (length) => {
        expect(await verdictOf({ authData: Buffer.alloc(length, 1) })).toBe('verified');
    });

    const alterations: [string, string, (bytes: Buffer) => void][] = [
        ['version 3', 'unsupported quote version', (bytes) => bytes.writeUInt16LE(3, 0)],
        ['version 6', 'unsupported quote version', (bytes) => bytes.writeUInt16LE(6, 0)],
        ['a P-384 key type', 'attestation key is not P-256', (bytes) => bytes.writeUInt16LE(3, 2)],
        ['the TEE type of SGX', 'not a TDX quote', (bytes) => bytes.writeUInt32LE(0, 4)],
        ['another QE vendor', 'quoting enclave vendor is not Intel', (bytes) => bytes.writeUInt8(0, 12)],
        ['an unknown SEAM signer', 'TDX module has another signer', (bytes) => bytes.writeUInt8(1, 48 + 64)],
        ['SEAM attributes', 'TDX module is not a production one', (bytes) => bytes.writeUInt8(1, 48 + 119)],
        ...[0, 7, 8, 26, 29, 32, 62].map((bit): [string, string, (bytes: Buffer) => void] => [
            `TD attribute bit ${bit}`,
            'debug or reserved TD attribute',
            (bytes) => bytes.writeBigUInt64LE(1n << BigInt(bit), 48 + 120),
        ]),
    ];

    it.each(alterations)('with %s is refused: %s', async (_, reason, alterQuote) => {
        expect(await verdictOf({ alterQuote })).toBe(reason);
    });

    it.each([27, 28, 30, 31, 63])('may have TD attribute bit %i', async (bit) => {
        const alterQuote = (bytes: Buffer) => bytes.writeBigUInt64LE(1n << BigInt(bit), 48 + 120);
        expect(await verdictOf({ alterQuote })).toBe('verified');
    });

    const bodyTypes: [string, number, number][] = [
        ['an extended body', 4, 885],
        ['a TD 1.5 body said to be as short as TD 1.0', 3, 584],
        ['a TD 1.0 body said to be as long as TD 1.5', 2, 648],
    ];

    it.each(bodyTypes)('of version 5 with %s is refused', async (_, type, size) => {
        const alterQuote = (bytes: Buffer) => {
            bytes.writeUInt16LE(type, 48);
            bytes.writeUInt32LE(size, 50);
        };
        const { verify } = environment;
        const quote = mintQuote({ authority, version: 5, alterQuote });
        const parts = cutQuote(withBodyType3(quote));
        parts.quote.pieces[0] = quote.subarray(0, 54 + 64);
        expect((await verify(packParts(parts))).verdict).toBe('unsupported quote body');
    });

    const reports: [string, string, (report: Buffer) => void][] = [
        ['in debug mode', 'QE has other attributes', (report) => (report[48]! |= 2)],
        ['not initialised', 'QE has other attributes', (report) => (report[48]! &= ~1)],
        ['by another signer', 'QE has another signer', (report) => (report[140]! ^= 1)],
        ['of the SGX quoting enclave (product 1)', 'QE has another product id', (report) => (report[256] = 1)],
        ['of a version that no level knows', 'QE is older than any level', (report) => report.writeUInt16LE(3, 258)],
        ['for another key', 'attestation key is not bound to the QE report', (report) => (report[320]! ^= 1)],
        ['with more data', 'attestation key is not bound to the QE report', (report) => (report[383] = 1)],
    ];

    it.each(reports)('from a quoting enclave %s is refused: %s', async (_, reason, alterQeReport) => {
        expect(await verdictOf({ alterQeReport })).toBe(reason);
    });

    it('returns what was sent too much at deployment, and keeps it out of later changes', async () => {
        const { sender, verifier, blockchain, verify } = environment;
        const balance = async () => (await blockchain.getContract(verifier.address)).balance;
        const reserve = await balance();
        expect(reserve).toBeGreaterThan(toNano('0.01'));
        const before = await sender.getBalance();
        await verifier.sendDeploy(sender.getSender(), toNano('10'));
        expect(before - (await sender.getBalance())).toBeLessThan(atPrices(toNano('0.02')));
        await verify(packQuote(mintQuote({ authority })));
        expect(await balance()).toBe(reserve);
    });

    it('that the registry does not take is paid back to who should have had the answer', async () => {
        const { blockchain, sender } = await createVerifier({ rootKey: authority.root.point, nowSec: mintedAtSec });
        const nobody = Address.parse(`0:${'22'.repeat(32)}`);
        const config = { registry: nobody, kind: 2, rootKey: authority.root.point };
        const verifier = blockchain.openContract(await QuoteVerifier.createFromConfig(config));
        await verifier.sendDeploy(sender.getSender());
        await postCollateral(verifier, sender, collateralOf(authority));
        const payee = await blockchain.treasury('payee');
        const [reserve, before] = [(await blockchain.getContract(verifier.address)).balance, await payee.getBalance()];
        const quote = mintQuote({ authority });
        blockchain.prevBlocks = blocksWith(namedBlock(packQuote(quote)));
        const { transactions } = await verifier.sendVerify(sender.getSender(), {
            quote,
            bundle,
            authorization,
            responseTo: payee.address,
            queryId: 9n,
            valueNano: toNano('1'),
            evaluation: mintedEvaluation,
        });
        const answer = transactions.at(-1)!.inMessage!;
        const reason = "QuoteVerifier: registry does not take this verifier's word";
        const { queryId, reason: code } = loadRegistrationRefused(answer.body.beginParse());
        expect([queryId, quoteVerifierErrors.get(Number(code))]).toEqual([9n, reason]);
        expect((await payee.getBalance()) - before).toBeGreaterThan(toNano('1') - atPrices(toNano('0.1')));
        expect((await blockchain.getContract(verifier.address)).balance).toBeGreaterThanOrEqual(reserve);
    });

    it('keeps a reserve computed from at least the size that code and data have', async () => {
        const cells = new Map<string, number>();
        const walk = (cell: Cell): void => {
            cells.set(cell.hash().toString('hex'), cell.bits.length);
            cell.refs.forEach(walk);
        };
        const { code, data } = (
            await QuoteVerifier.createFromConfig({
                registry: environment.registry.address,
                kind: 2,
                rootKey: authority.root.point,
            })
        ).init!;
        walk(code!);
        walk(data!);
        // The bounds in quote-verifier.tact.
        expect(cells.size).toBeLessThanOrEqual(220);
        expect([...cells.values()].reduce((sum, bits) => sum + bits, 0)).toBeLessThanOrEqual(110_000);
    });

    it('must come with what its verification costs, and needs no more to reach the registry', async () => {
        const { verify, verifier } = environment;
        const minValueNano = await verifier.getMinVerifyValue();
        const packed = packQuote(mintQuote({ authority, version: 5 }));
        expect((await verify(packed, { valueNano: minValueNano - 1n })).verdict).toBe('not enough value');
        const outcome = await verify(packed, { valueNano: minValueNano });
        expect([outcome.verdict, outcome.delivered?.queryId]).toEqual(['verified', 7n]);
    });

    it('that is refused costs its sender gas only', async () => {
        const { sender, verify } = await createVerifier({ rootKey: createAuthority().root.point, nowSec: mintedAtSec });
        const before = await sender.getBalance();
        await verify(packQuote(mintQuote({ authority })));
        expect(before - (await sender.getBalance())).toBeLessThan(atPrices(toNano('0.1')));
    });
});

/** The same bytes with a body type that the packer can cut. */
function withBodyType3(quote: Buffer): Buffer {
    const copy = Buffer.from(quote);
    Buffer.from('030088020000', 'hex').copy(copy, 48);
    return copy;
}

describeWithVectors("quotes of Intel's own hardware, under Intel's root", () => {
    const july2025 = 1_752_969_600;

    const genuine = realVectors.filter(
        ({ quote, collateral, status }) => quote.startsWith('tdx') && collateral !== null && status !== null,
    );

    /** A verifier that holds the vector's collateral at its date. */
    async function verifierFor(vector: RealVector) {
        const collateral = readCollateral(vector);
        const nowSec = Date.parse(vector.at) / 1000;
        const environment = await createVerifier({
            rootKey: intelRootKey,
            kind: 1,
            nowSec,
            collateral: [collateral],
        });
        const { tcbEvaluationDataNumber: evaluation } = JSON.parse(collateral.tcb_info) as {
            tcbEvaluationDataNumber: number;
        };
        return { ...environment, evaluation };
    }

    it.each(genuine)('$quote by $collateral reaches the registry with exactly what it says', async (vector) => {
        const { verify, evaluation } = await verifierFor(vector);
        const quote = readVector(`${vector.quote}.quote.bin`);
        const outcome = await verify(packQuote(quote), { evaluation });
        expect(outcome.verdict).toBe('verified');
        expect(deliveredFields(outcome)).toEqual(expectedFields(quote, ppidOf(quote)));
        if (vector.quote === 'tdx-v4-a') expect(ppidOf(quote).toString('hex')).toBe('811dca2a26b952e85bb6448b097ba4fd');
    });

    it('tdx-v4-debug is refused', async () => {
        const { verify } = await createVerifier({ rootKey: intelRootKey, kind: 1, nowSec: july2025 });
        const { verdict } = await verify(packQuote(readVector('tdx-v4-debug.quote.bin')));
        expect(verdict).toBe('debug or reserved TD attribute');
    });

    it('is refused before the PCK certificate was issued, and after it ran out', async () => {
        const quote = packQuote(readVector('tdx-v4-a.quote.bin'));
        // Valid from 250206232551Z to 320206232551Z, both inclusive.
        const [from, to] = [Date.UTC(2025, 1, 6, 23, 25, 51) / 1000, Date.UTC(2032, 1, 6, 23, 25, 51) / 1000];
        const verdicts: string[] = [];
        for (const nowSec of [from - 1, from, to, to + 1]) {
            const { verify } = await createVerifier({ rootKey: intelRootKey, kind: 1, nowSec });
            verdicts.push((await verify(quote)).verdict);
        }
        const expired = 'certificate is expired or not yet valid';
        // Collateral of those days is not among the vectors: the next check has nothing to go by.
        const next = 'no revocation list of the root';
        expect(verdicts).toEqual([expired, next, next, expired]);
    });

    it('is refused, or not even packed, with any one byte changed', async () => {
        const { verify, evaluation } = await verifierFor(genuine[0]!);
        const quote = readVector('tdx-v4-a.quote.bin');
        // Up to the root certificate, which is not sent: the contract holds the root's key.
        const end = quote.lastIndexOf('-----BEGIN CERTIFICATE-----');
        const verdicts = new Map<string, number>();
        for (let at = 0; at < end; at += 71) {
            const changed = Buffer.from(quote);
            changed[at]! ^= 1 << (at % 7);
            const verdict = await verdictOrPackError((packed) => verify(packed, { evaluation }), changed);
            verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        }
        expect(verdicts.get('verified')).toBeUndefined();
        expect([...verdicts.keys()].filter((verdict) => verdict.startsWith('exit code'))).toEqual([]);
        expect(verdicts.size).toBeGreaterThan(10);
    });

    async function verdictOrPackError(
        verify: (packed: ReturnType<typeof packQuote>) => Promise<Outcome>,
        quote: Buffer,
    ): Promise<string> {
        try {
            return (await verify(packQuote(quote))).verdict;
        } catch (error) {
            if (error instanceof QuotePackError) return error.code;
            throw error;
        }
    }

    /** The PPID by its literal OID in the first certificate, found without the packer's parser. */
    function ppidOf(quote: Buffer): Buffer {
        const pem = quote.subarray(quote.indexOf('-----BEGIN CERTIFICATE-----')).toString('latin1');
        const der = Buffer.from(pem.split('-----')[2]!, 'base64');
        const marker = Buffer.from('060a2a864886f84d010d01010410', 'hex');
        const at = der.indexOf(marker) + marker.length;
        return der.subarray(at, at + 16);
    }
});

describe('the texts of refusals', () => {
    it('are what integrators read: changing one is a change of interface', () => {
        const texts = [...quoteVerifierErrors.values()].filter((text) => text.startsWith('QuoteVerifier: '));
        expect(texts.map((text) => text.slice(15)).sort()).toEqual([
            'CA certificate is not signed by the root',
            'PCK CA is revoked',
            'PCK certificate is not signed by its CA',
            'PCK certificate is revoked',
            'QE has another miscselect',
            'QE has another product id',
            'QE has another signer',
            'QE has other attributes',
            'QE identity is not in force',
            'QE identity is not of the TD quoting enclave',
            'QE is in debug mode',
            'QE is older than any level',
            'QE report is not signed by the PCK key',
            'TCB info is not in force',
            'TCB info is not of TDX, version 3',
            'TCB info of another PCE',
            'TCB signing certificate is not signed by the root',
            'TDX module has another signer',
            'TDX module has no identity',
            'TDX module is not a production one',
            'TDX module is older than any level',
            'attestation key is not P-256',
            'attestation key is not bound to the QE report',
            'attestation key is not on the curve',
            'block is not a recent one',
            'certificate has the wrong role',
            'certificate is expired or not yet valid',
            'certificate key is not P-256',
            'collateral held is as new',
            'collateral is not in force',
            'current TDX module has no identity',
            'current TDX module is older than any level',
            'current level is revoked',
            'debug or reserved TD attribute',
            'evaluation below the floor',
            'field has another size',
            'malformed certificate',
            'malformed platform extension',
            'malformed revocation list',
            'no QE identity of this evaluation',
            'no TCB info of this family and evaluation',
            'no revocation list of the root',
            'no revocation list of this authority',
            'not a PCK CA certificate',
            'not a PCK certificate of this CA',
            'not a TCB signing certificate',
            'not a TDX quote',
            'not enough value',
            'nothing to prune',
            'platform is older than any level',
            'platform is older than any level of the current module',
            "platform's level is revoked",
            "production needs Intel's root",
            'quote is not signed by the attestation key',
            'quoting enclave vendor is not Intel',
            "registry does not take this verifier's word",
            'revocation list is not in force',
            'revocation list is not signed by its authority',
            'revocation list of another authority',
            'revocation list of the root is not in force',
            'sender is not the registry',
            'signer is revoked',
            'signer of the QE identity is revoked',
            'signer of the TCB info is revoked',
            'text is not as Intel writes it',
            'text is not signed by the TCB signing key',
            'unknown PCK key',
            'unsupported quote body',
            'unsupported quote version',
        ]);
    });
});
