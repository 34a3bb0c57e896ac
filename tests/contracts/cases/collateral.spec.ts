import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const contracts = path.join(__dirname, '../../../contracts');

describe('case 28: collateral posted early or rolled back to steer verdicts', () => {
    // TCB levels, revocation lists and QE identity are no part of the verdict on chain yet (docs/architecture.md, what is planned); gateways
    // judge them off chain. The day a contract takes collateral, this rule fails and the case's own rules take its place: the evaluation
    // floor is a governed parameter, and an older issue date never replaces a newer one.
    it('there is none on chain to post or to roll back: no message carries collateral', () => {
        const sources = readdirSync(contracts, { recursive: true, encoding: 'utf8' }).filter((file) =>
            file.endsWith('.tact'),
        );
        const declared = sources.flatMap((file) => {
            const text = readFileSync(path.join(contracts, file), 'utf8');
            return [...text.matchAll(/^message(?:\([^)]*\))? (\w+)/gm)].map((match) => match[1]!);
        });
        expect(declared).toContain('VerifyQuote');
        expect(declared.filter((name) => /collateral|tcb|crl|identity/i.test(name))).toEqual([]);
    });
});
