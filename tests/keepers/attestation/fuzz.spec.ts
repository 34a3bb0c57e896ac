import fc from 'fast-check';
import { collateralKeys, verifyQuote, verifyQuoteSignature, type Collateral } from '../../../keepers/attestation';
import { mintCrl } from '../../../keepers/attestation/mint/crl';
import { judge, now, pki, tdx } from './development-evidence';
import { fuzzTargets, isOurFault, meansTheSame, mutant, quickestMs, seededRandom } from './fuzzing';

describe('parsers', () => {
    it.each(fuzzTargets().map((target) => [target.name, target] as const))(
        '%s: refuses or reads, never breaks',
        (_, target) => {
            const random = seededRandom(1);
            let read = 0;
            for (let i = 0; i < 1000; i++) {
                try {
                    target.run(mutant(target.seeds, random));
                    read++;
                } catch (error) {
                    expect(isOurFault(error) ? error : null).toBeNull();
                }
            }
            // Mutants that all fail at the first byte would test nothing.
            expect(read).toBeGreaterThan(0);
        },
    );

    it.each(fuzzTargets().map((target) => [target.name, target] as const))(
        '%s: survives arbitrary bytes',
        (_, target) => {
            fc.assert(
                fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
                    try {
                        target.run(Buffer.from(bytes));
                    } catch (error) {
                        return !isOurFault(error);
                    }
                    return true;
                }),
                { numRuns: 300 },
            );
        },
    );
});

describe('the whole verifier', () => {
    const good = tdx({ version: 5 });
    const options = { at: now, rootPublicKey: pki.rootPublicKey };

    it('never throws, whatever it is given', () => {
        const anything = fc.anything({ withBigInt: true, withTypedArray: true, maxDepth: 2 });
        fc.assert(
            fc.property(anything, anything, (quote, collateral) => {
                const verdict = verifyQuote(quote as Uint8Array, collateral as Collateral, options);
                return verdict.verdict === 'rejected' && verdict.failedCheck !== 'internal_error';
            }),
            { numRuns: 300 },
        );
    });

    it('refuses a quote cut anywhere', () => {
        fc.assert(
            fc.property(fc.integer({ min: 0, max: good.quote.length - 1 }), (length) => {
                return judge({ ...good, quote: good.quote.subarray(0, length) }).failedCheck !== null;
            }),
            { numRuns: 200 },
        );
    });

    it('accepts no mutant that differs before its end', () => {
        const random = seededRandom(2);
        for (let i = 0; i < 500; i++) {
            const quote = mutant([good.quote], random);
            const verdict = verifyQuoteSignature(quote, options);
            const same = quote.subarray(0, good.quote.length).equals(good.quote);
            expect(verdict.verdict === 'accepted').toBe(same);
            expect(verdict.failedCheck).not.toBe('internal_error');
        }
    });

    it('accepts no mutant of the collateral', () => {
        const random = seededRandom(3);
        for (let i = 0; i < 400; i++) {
            const key = collateralKeys[random(collateralKeys.length)]!;
            const text = mutant([Buffer.from(good.collateral[key])], random).toString('latin1');
            const verdict = judge({ ...good, collateral: { ...good.collateral, [key]: text } });
            expect(verdict.verdict === 'accepted' && !meansTheSame(key, text, good.collateral[key])).toBe(false);
        }
    });

    it('judges the largest inputs within 50 ms', () => {
        const digits = '30'.repeat(128 * 1024);
        const serials = Array.from({ length: 2350 }, (_, i) =>
            Buffer.concat([Buffer.alloc(18, 0x41), Buffer.from([i >> 8, i & 0xff])]),
        );
        const [thisUpdate, nextUpdate] = [now, new Date(now.getTime() + 1000)];
        const list = {
            issuer: 'Intel SGX Root CA',
            issuerKey: pki.tcbSigner.key,
            thisUpdate,
            nextUpdate,
            revokedSerials: serials,
        };
        const worst: Partial<Collateral>[] = [
            { root_ca_crl: mintCrl(list).toString('hex') },
            { root_ca_crl: digits },
            { tcb_info: '['.repeat(256 * 1024) },
            { qe_identity: '\ud800'.repeat(256 * 1024) },
            { tcb_info_issuer_chain: `-----BEGIN CERTIFICATE-----\n${'A\n'.repeat(100_000)}` },
            {
                qe_identity_issuer_chain: `-----BEGIN CERTIFICATE-----\n${`${'A'.repeat(64)}\n`.repeat(3900)}-----END CERTIFICATE-----\n`,
            },
        ];
        for (const change of worst) {
            const evidence = { quote: good.quote, collateral: { ...good.collateral, ...change } };
            const elapsedMs = quickestMs(() => expect(judge(evidence).verdict).toBe('rejected'));
            expect(elapsedMs).toBeLessThan(50);
        }
    });
});
