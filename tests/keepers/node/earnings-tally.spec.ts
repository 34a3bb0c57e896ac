import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ManualClock } from '../../../keepers/base';
import { readEarningsTally } from '../../../keepers/node';
import { EarningsTally } from '../../../keepers/node/earnings-tally';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();
const clock = () => new ManualClock(Date.UTC(2026, 10, 23, 23, 59));

test('sums by UTC day and model go on over a restart', () => {
    const file = path.join(folder, 'tally.json');
    const time = clock();
    const first = EarningsTally.open(file, time);
    first.add('toy', 10n);
    first.add('other', 1n);
    first.save();
    const second = EarningsTally.open(file, time);
    second.add('toy', 1n << 70n);
    time.advance(120_000);
    second.add('toy', 5n);
    second.save();
    expect(readEarningsTally(file)).toEqual([
        { day: '2026-11-23', model: 'other', requests: 1, costNano: 1n },
        { day: '2026-11-23', model: 'toy', requests: 2, costNano: (1n << 70n) + 10n },
        { day: '2026-11-24', model: 'toy', requests: 1, costNano: 5n },
    ]);
});

test('however long it runs, days are bounded', () => {
    const file = path.join(folder, 'long.json');
    const time = clock();
    const tally = EarningsTally.open(file, time);
    for (let day = 0; day < 500; day++) {
        tally.add('toy', 1n);
        time.advance(86_400_000);
    }
    tally.save();
    expect(readEarningsTally(file)).toHaveLength(400);
});

test('a damaged file is an error that says what to do', () => {
    const file = path.join(folder, 'damaged.json');
    writeFileSync(file, '{"version":1,"days":{"2026-11-23":{"toy":{"requests":-1,"costNano":"1"}}}}');
    expect(() => readEarningsTally(file)).toThrow(/move it away/);
});
