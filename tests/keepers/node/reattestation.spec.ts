import { ManualClock, silentLogger } from '../../../keepers/base';
import { Reattestation } from '../../../keepers/node/reattestation';

function createReattestation(options: { chainTimeSec: () => number; attest: () => Promise<number> }) {
    return new Reattestation({
        keyLifeSec: 1_000,
        chainTimeSec: () => Promise.resolve(options.chainTimeSec()),
        attest: options.attest,
        notAfterSec: 2_000,
        clock: new ManualClock(0),
        logger: silentLogger(),
    });
}

describe('attesting again', () => {
    it('waits until half of the key’s life is over', async () => {
        let now = 1_499;
        const attest = jest.fn(() => Promise.resolve(2_500));
        const reattestation = createReattestation({ chainTimeSec: () => now, attest });
        await reattestation.check();
        expect(attest).not.toHaveBeenCalled();
        now = 1_500;
        await reattestation.check();
        expect(attest).toHaveBeenCalledTimes(1);
    });

    it('counts from the new end afterwards', async () => {
        let now = 1_500;
        const attest = jest.fn(() => Promise.resolve(now + 1_000));
        const reattestation = createReattestation({ chainTimeSec: () => now, attest });
        await reattestation.check();
        now = 1_999;
        await reattestation.check();
        expect(attest).toHaveBeenCalledTimes(1);
        now = 2_000;
        await reattestation.check();
        expect(attest).toHaveBeenCalledTimes(2);
    });

    it('tries again after a failure, and survives a chain that cannot be read', async () => {
        let failures = 2;
        const attest = jest.fn(() =>
            failures-- > 0 ? Promise.reject(new Error('no gas money')) : Promise.resolve(2_600),
        );
        const reattestation = createReattestation({ chainTimeSec: () => 1_600, attest });
        for (let round = 0; round < 4; round++) await reattestation.check();
        expect(attest).toHaveBeenCalledTimes(3);
    });

    it('stops at once while it waits', async () => {
        const reattestation = createReattestation({ chainTimeSec: () => 0, attest: () => Promise.resolve(0) });
        reattestation.start();
        await reattestation.stop();
    });
});
