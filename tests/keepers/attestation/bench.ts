/** Time of one verification against @phala/dcap-qvl on the same evidence, turn by turn in one run, and of a cached verdict. */
import { VerdictCache, verifyQuote, type Collateral } from '../../../keepers/attestation';
import { developmentPki, now, reportData, seed } from './development-evidence';
import { createDevelopmentPki, mintTdxQuote } from '../../../keepers/attestation';
import { readOptions } from '../../bench/options';
import { presentVectors, readCollateral, readQuote } from './real-vectors';
import { QuoteVerifier } from '@phala/dcap-qvl';

interface Subject {
    quote: Buffer;
    collateral: Collateral;
    at: Date;
    rootPublicKey?: Buffer;
    rootCertificate?: Buffer;
}

const rounds = 150;

const asked = readOptions({
    name: 'attestation',
    about: 'Time of one verification of a quote, beside @phala/dcap-qvl on the same evidence.',
    options: { json: { type: 'boolean', default: false } },
    says: { json: 'one line of JSON on standard output' },
});

function subjectOf(): Subject {
    const real = presentVectors('bench').find(({ quote }) => quote === 'tdx-v4-a');
    if (real) {
        return { quote: readQuote(real), collateral: readCollateral(real), at: new Date(real.at) };
    }
    const pki = developmentPki();
    const { quote, collateral } = mintTdxQuote({ pki: createDevelopmentPki({ seed, now }), reportData });
    return { quote, collateral, at: now, rootPublicKey: pki.rootPublicKey, rootCertificate: pki.root.der };
}

function timed(run: () => unknown): number {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values: number[]): number {
    return values.sort((a, b) => a - b)[values.length >> 1]!;
}

function main(): void {
    const { quote, collateral, at, rootPublicKey, rootCertificate } = subjectOf();
    const theirs = rootCertificate ? QuoteVerifier.newWithRootCa(rootCertificate) : QuoteVerifier.newProd();
    const cache = new VerdictCache({ rootPublicKey, maxAgeMs: 3_600_000, maxEntries: 100 });
    const times = { ours: [] as number[], theirs: [] as number[], cached: [] as number[] };
    for (let i = -20; i < rounds; i++) {
        const round = {
            ours: timed(() => verifyQuote(quote, collateral, { at, rootPublicKey })),
            theirs: timed(() => theirs.verify(quote, collateral, at.getTime() / 1000)),
        };
        // The first rounds warm the compiler up.
        if (i >= 0) {
            times.ours.push(round.ours);
            times.theirs.push(round.theirs);
        }
    }
    // By themselves: behind a verification of the other they would measure its garbage.
    for (let i = 0; i < rounds * 10; i++) {
        times.cached.push(timed(() => cache.verify(quote, collateral, { at })));
    }
    const [medianMs, theirsMs, cachedMs] = [median(times.ours), median(times.theirs), median(times.cached)];
    const result = {
        medianMs: round3(medianMs),
        dcapQvlMedianMs: round3(theirsMs),
        ratioVsDcapQvl: round3(theirsMs / medianMs),
        cachedMicros: round3(cachedMs * 1000),
    };
    process.stdout.write(asked.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
}

function round3(value: number): number {
    return Math.round(value * 1000) / 1000;
}

main();
