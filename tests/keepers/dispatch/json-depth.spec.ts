import fc from 'fast-check';
import { isNestedDeeperThan } from '../../../keepers/dispatch/json-depth';

function depthOf(value: unknown): number {
    if (typeof value !== 'object' || value === null) return 0;
    return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('it is as deep as its lists and objects lie within each other, whatever its texts hold', () => {
    fc.assert(
        fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }), (value) => {
            const text = JSON.stringify(value);
            const depth = depthOf(value);
            expect(isNestedDeeperThan(depth, text)).toBe(false);
            if (depth > 0) expect(isNestedDeeperThan(depth - 1, text)).toBe(true);
        }),
    );
});

test('brackets, quotes and escapes within a text do not count', () => {
    expect(isNestedDeeperThan(1, JSON.stringify(['[[[', '\\"[[[', '\\\\', '{"']))).toBe(false);
    expect(isNestedDeeperThan(1, '{"a\\\\":[]}')).toBe(true);
});

test('a long run of openings is told at once', () => {
    expect(isNestedDeeperThan(32, '['.repeat(1_000_000))).toBe(true);
});
