import fc from 'fast-check';
import { NodeRefusal } from '../../../keepers/node';
import { EscrowMeter, type MeteredRequest } from '../../../keepers/node/meter';

const key = (byte: number) => Buffer.alloc(32, byte);
const cap = (capCumulativeNano: bigint, sessionKey = key(1)) => ({
    sessionKey,
    requestHash: key(7),
    capCumulativeNano,
    capSignature: Buffer.alloc(64, Number(capCumulativeNano % 256n)),
});
const unlimited = 1n << 90n;
const settled = (settledNano: bigint, balanceNano = unlimited) => ({ settledNano, balanceNano });

function refusal(act: () => unknown): string {
    try {
        act();
    } catch (error) {
        if (error instanceof NodeRefusal) return error.code;
        throw error;
    }
    return 'admitted';
}

test('receipts count up, cost follows, and a closed request frees what it did not use', () => {
    const meter = new EscrowMeter(unlimited);
    const first = meter.admit({ cap: cap(100n), worstCaseNano: 100n, chain: settled(0n) });
    expect(refusal(() => meter.admit({ cap: cap(100n), worstCaseNano: 1n, chain: settled(0n) }))).toBe('cap_too_low');
    expect(meter.charge(first, 30n)).toEqual({ sequence: 1, costNano: 30n, cumulativeNano: 30n });
    expect(meter.charge(first, 20n)).toEqual({ sequence: 2, costNano: 30n, cumulativeNano: 30n });
    meter.close(first);
    const second = meter.admit({ cap: cap(100n), worstCaseNano: 70n, chain: settled(0n) });
    expect(meter.charge(second, 1_000n)).toEqual({ sequence: 3, costNano: 70n, cumulativeNano: 100n });
});

test('a refused request reserves nothing and raises no cap', () => {
    const meter = new EscrowMeter(50n);
    const code = refusal(() => meter.admit({ cap: cap(100n), worstCaseNano: 60n, chain: settled(0n) }));
    expect(code).toBe('credit_line_reached');
    expect(meter.highestNano).toBe(0n);
    expect(refusal(() => meter.admit({ cap: cap(50n), worstCaseNano: 50n, chain: settled(0n) }))).toBe('admitted');
});

test('no more is lent than the escrow holds, whatever its dispatcher passes on', () => {
    const meter = new EscrowMeter(unlimited);
    meter.close(charged(meter, 50n));
    const ask = (settledNano: bigint, balanceNano: bigint) =>
        refusal(() => meter.admit({ cap: cap(90n), worstCaseNano: 40n, chain: settled(settledNano, balanceNano) }));
    expect(ask(0n, 89n)).toBe('escrow_insufficient');
    expect(ask(50n, 39n)).toBe('escrow_insufficient');
    expect(ask(50n, 40n)).toBe('admitted');
});

test('what was settled on chain makes room in the credit line', () => {
    const meter = new EscrowMeter(50n);
    meter.close(charged(meter, 50n));
    expect(refusal(() => meter.admit({ cap: cap(90n), worstCaseNano: 40n, chain: settled(9n) }))).toBe(
        'credit_line_reached',
    );
    expect(refusal(() => meter.admit({ cap: cap(90n), worstCaseNano: 40n, chain: settled(40n) }))).toBe('admitted');
});

test('a lower cap is fine while a higher one of the same session covers the sum', () => {
    const meter = new EscrowMeter(unlimited);
    const early = meter.admit({ cap: cap(200n), worstCaseNano: 50n, chain: settled(0n) });
    expect(refusal(() => meter.admit({ cap: cap(100n), worstCaseNano: 50n, chain: settled(0n) }))).toBe('admitted');
    expect(meter.capOf(early).capCumulativeNano).toBe(200n);
});

test('a cap of a retired session key covers nothing that a new key asks for', () => {
    const meter = new EscrowMeter(unlimited);
    meter.close(charged(meter, 10n, cap(1_000_000n, key(1))));
    const admit = (nano: bigint) => meter.admit({ cap: cap(nano, key(2)), worstCaseNano: 10n, chain: settled(0n) });
    expect(refusal(() => admit(10n))).toBe('cap_too_low');
    expect(refusal(() => admit(20n))).toBe('admitted');
    expect(meter.highestNano).toBe(1_000_000n);
});

test('a receipt is logged with the highest cap of its session key, whichever request brought it', () => {
    const meter = new EscrowMeter(unlimited);
    const first = meter.admit({ cap: cap(100n), worstCaseNano: 100n, chain: settled(0n) });
    meter.admit({ cap: cap(200n), worstCaseNano: 100n, chain: settled(0n) });
    expect(meter.capOf(first)).toEqual(cap(200n));
});

function charged(meter: EscrowMeter, nano: bigint, under = cap(nano)): MeteredRequest {
    const request = meter.admit({ cap: under, worstCaseNano: nano, chain: settled(0n) });
    meter.charge(request, nano);
    return request;
}

type Step = { act: 'admit' | 'charge' | 'close'; pick: number; nano: bigint };

test('however requests interleave: receipts are monotone, below the caps, and costs below their worst cases', () => {
    const step = fc.record<Step>({
        act: fc.constantFrom('admit', 'charge', 'charge', 'close'),
        pick: fc.nat(),
        nano: fc.bigInt(0n, 500n),
    });
    fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.bigInt(1n, 3_000n), (steps, creditNano) => {
            const meter = new EscrowMeter(creditNano);
            const open: MeteredRequest[] = [];
            let [sequence, cumulativeNano, costsNano] = [0, 0n, 0n];
            for (const { act, pick, nano } of steps) {
                const openNano = open.reduce((sum, { worstCaseNano, costNano }) => sum + worstCaseNano - costNano, 0n);
                if (act === 'admit') {
                    const capNano = cumulativeNano + openNano + nano - (pick % 4 === 0 ? 1n : 0n);
                    const admit = () =>
                        open.push(
                            meter.admit({
                                cap: cap(capNano < 0n ? 0n : capNano),
                                worstCaseNano: nano,
                                chain: settled(0n),
                            }),
                        );
                    const code = refusal(admit);
                    if (code === 'admitted') expect(cumulativeNano + openNano + nano).toBeLessThanOrEqual(creditNano);
                } else if (open.length > 0) {
                    const request = open[pick % open.length]!;
                    if (act === 'close') {
                        meter.close(request);
                        open.splice(open.indexOf(request), 1);
                        continue;
                    }
                    const beforeNano = request.costNano;
                    const figures = meter.charge(request, nano);
                    costsNano += figures.costNano - beforeNano;
                    expect(figures.sequence).toBe(sequence + 1);
                    expect(figures.costNano).toBeGreaterThanOrEqual(beforeNano);
                    expect(figures.costNano).toBeLessThanOrEqual(request.worstCaseNano);
                    expect(figures.cumulativeNano).toBe(costsNano);
                    expect(figures.cumulativeNano).toBeLessThanOrEqual(meter.highestNano);
                    ({ sequence, cumulativeNano } = figures);
                }
            }
        }),
        { numRuns: 300 },
    );
});
