/**
 * The long run of fuzz.spec.ts: `npm run fuzz -- [inputs, 10000000] [whole, 50000]`.
 * Grown from valid inputs, repeatable; exit code 1 on a crash, an input over 50 ms or one wrongly accepted.
 */
import { collateralKeys, verifyQuote } from '../../../keepers/attestation';
import { now, pki, tdx } from './development-evidence';
import { fuzzTargets, isOurFault, meansTheSame, mutant, quickestMs, seededRandom, type FuzzTarget } from './fuzzing';

interface Tally {
    name: string;
    inputs: number;
    read: number;
    faults: string[];
    slowestMs: number;
}

function fuzzParser(target: FuzzTarget, inputs: number): Tally {
    const random = seededRandom(inputs);
    const tally: Tally = { name: target.name, inputs, read: 0, faults: [], slowestMs: 0 };
    for (let i = 0; i < inputs; i++) {
        const input = mutant(target.seeds, random);
        let outcome: unknown = null;
        const elapsedMs = quickestMs(() => {
            outcome = attempt(target, input);
        });
        tally.read += outcome === null ? 1 : 0;
        if (isOurFault(outcome)) {
            tally.faults.push(`${String(outcome)}: ${input.toString('hex').slice(0, 200)}`);
        }
        tally.slowestMs = Math.max(tally.slowestMs, elapsedMs);
    }
    return tally;
}

function attempt(target: FuzzTarget, input: Buffer): unknown {
    try {
        target.run(input);
        return null;
    } catch (error) {
        return error;
    }
}

function fuzzWhole(inputs: number): Tally {
    const random = seededRandom(7);
    const good = tdx({ version: 5 });
    const tally: Tally = { name: 'whole verifier', inputs, read: 0, faults: [], slowestMs: 0 };
    for (let i = 0; i < inputs; i++) {
        const inQuote = random(2) === 0;
        const key = collateralKeys[random(collateralKeys.length)]!;
        const quote = inQuote ? mutant([good.quote], random) : good.quote;
        const text = inQuote
            ? good.collateral[key]
            : mutant([Buffer.from(good.collateral[key])], random).toString('latin1');
        const collateral = { ...good.collateral, [key]: text };
        const judge = () => verifyQuote(quote, collateral, { at: now, rootPublicKey: pki.rootPublicKey });
        const verdict = judge();
        tally.slowestMs = Math.max(tally.slowestMs, quickestMs(judge));
        const accepted = verdict.verdict === 'accepted';
        const sameQuote = quote.subarray(0, good.quote.length).equals(good.quote);
        tally.read += accepted ? 1 : 0;
        const wrong = accepted && !(sameQuote && meansTheSame(key, text, good.collateral[key]));
        if (wrong || verdict.failedCheck === 'internal_error') {
            tally.faults.push(`${verdict.verdict} ${verdict.failedCheck} ${key}`);
        }
    }
    return tally;
}

function main(): void {
    const [parserInputs = 10_000_000, wholeInputs = 50_000] = process.argv.slice(2).map(Number);
    const started = performance.now();
    const targets = fuzzTargets();
    const tallies = targets.map((target) => fuzzParser(target, Math.ceil(parserInputs / targets.length)));
    tallies.push(fuzzWhole(wholeInputs));
    for (const { faults, slowestMs, ...tally } of tallies) {
        const line = {
            ...tally,
            faults: faults.slice(0, 3),
            faultCount: faults.length,
            slowestMs: Math.round(slowestMs * 10) / 10,
        };
        process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    process.stdout.write(`${Math.round((performance.now() - started) / 1000)} s\n`);
    process.exitCode = tallies.some(({ faults, slowestMs }) => faults.length > 0 || slowestMs > 50) ? 1 : 0;
}

main();
