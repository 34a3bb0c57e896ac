import type { Settleable } from '../../../keepers/ledger';
import { HeldLines, LineSignatures } from '../../../keepers/settlement';

const daySec = 86_400;

/** Badly signed. */
function settleable(node: number): Settleable {
    const receipt = {
        nodeKey: Buffer.alloc(32, node),
        sessionKey: Buffer.alloc(32),
        sequence: 1,
        costNano: 1n,
        cumulativeNano: 1n,
        reference: Buffer.alloc(32),
    };
    const { sessionKey } = receipt;
    const cap = { sessionKey, capCumulativeNano: 1n, requestHash: Buffer.alloc(32), capSignature: Buffer.alloc(64) };
    return {
        escrow: Buffer.alloc(32),
        epoch: 1,
        receipt,
        signature: Buffer.alloc(64),
        cap,
        paidNano: 0n,
        receivedAtMs: 0,
    };
}

const remembered = (one: object) => Object.values(one).find((value) => value instanceof Map)!.size;

describe('a settler that runs for months', () => {
    it('forgets the signatures of streams that it has no more', () => {
        const signatures = new LineSignatures(Buffer.alloc(32));
        const streams = [1, 2, 3].map(settleable);
        for (const stream of streams) expect(signatures.isGood(stream)).toBe(false);
        expect(remembered(signatures)).toBe(3);
        signatures.keepOnly(streams.slice(1));
        expect(remembered(signatures)).toBe(2);
    });

    it('forgets failures of lines that it has not tried for two days, and remembers those that it tries each day', () => {
        const holds = new HeldLines();
        const fail = (line: string, day: number) =>
            holds.noteFailure({ line, fingerprint: null, deadlineSec: null, failedAtSec: day * daySec });
        fail('over', 0);
        for (let day = 0; day < 12; day++) fail('still there', day);
        expect(remembered(holds)).toBe(1);
        const now = { line: 'still there', fingerprint: null, deadlineSec: null };
        expect(holds.isHeld(now, 12 * daySec - 1)).toBe(true);
    });
});
