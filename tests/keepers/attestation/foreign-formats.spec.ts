import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseCertificate } from '../../../keepers/attestation/parse/certificate';
import { parseCrl } from '../../../keepers/attestation/parse/crl';
import { parsePemChain } from '../../../keepers/attestation/parse/pem';
import { parseSgxExtension } from '../../../keepers/attestation/parse/sgx-extension';
import { importPoint, isSignedRaw } from '../../../keepers/attestation/verify/signature';
import { vectorFolder } from './real-vectors';

const wycheproof = path.join(vectorFolder, 'wycheproof/ecdsa_secp256r1_sha256_p1363_test.json');
const intel = path.join(vectorFolder, 'intel-testdata');

interface WycheproofFile {
    testGroups: {
        publicKey: { uncompressed: string };
        tests: { tcId: number; msg: string; sig: string; result: string }[];
    }[];
}

(existsSync(wycheproof) ? describe : describe.skip)('Wycheproof', () => {
    it('agrees on every ECDSA signature, edge cases and forgeries included', () => {
        const { testGroups } = JSON.parse(readFileSync(wycheproof, 'utf8')) as WycheproofFile;
        const outcomes = testGroups.flatMap(({ publicKey, tests }) => {
            const key = importPoint(Buffer.from(publicKey.uncompressed, 'hex').subarray(1));
            return tests.map(({ tcId, msg, sig, result }) => {
                const accepted = isSignedRaw(key, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'));
                return { tcId, agrees: accepted === (result === 'valid') };
            });
        });
        expect(outcomes.filter(({ agrees }) => !agrees)).toEqual([]);
        expect(outcomes.length).toBeGreaterThan(250);
    });
});

(existsSync(intel) ? describe : describe.skip)("Intel's own test files", () => {
    const pem = (name: string) =>
        parsePemChain(readFileSync(path.join(intel, name), 'latin1'), 3).map((der) => parseCertificate(der));

    it('are read by the strict parsers', () => {
        const [leaf] = pem('pckCert.pem');
        expect(parseSgxExtension(leaf!.sgxExtension!).fmspc.toString('hex')).toBe('ed742af8adf5');
        const names = pem('pckSignChain.pem').map(({ subjectName, isCa }) => [subjectName, isCa]);
        expect(names).toEqual([
            ['Intel SGX Root CA', true],
            ['Intel SGX PCK Processor CA', true],
        ]);
        for (const list of ['rootCaCrl.der', 'intermediateCaCrl.der']) {
            expect(parseCrl(readFileSync(path.join(intel, list))).revokedSerials.size).toBe(0);
        }
    });
});
