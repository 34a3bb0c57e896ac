import fc from 'fast-check';
import { newRequestId } from '../../../keepers/confidential';

const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe('a request id', () => {
    it('is the UUID of version 7 that RFC 9562 gives as an example for the same time and random bits', () => {
        const random = Buffer.from('0cc318c4dc0c0c07398f', 'hex');
        const id = newRequestId(0x017f22e279b0, random);
        expect(id.toString('hex')).toBe('017f22e279b07cc398c4dc0c0c07398f');
    });

    it('has version and variant whatever its random bytes are', () => {
        const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
        fc.assert(
            fc.property(timeMs, random, (atMs, bytes) => {
                const id = newRequestId(atMs, bytes);
                expect(id).toHaveLength(16);
                expect([id[6]! >> 4, id[8]! >> 6]).toEqual([7, 2]);
            }),
        );
    });

    it('sorts by the time at which it was made', () => {
        fc.assert(
            fc.property(timeMs, timeMs, (a, b) => {
                fc.pre(a !== b);
                expect(Math.sign(Buffer.compare(newRequestId(a), newRequestId(b)))).toBe(Math.sign(a - b));
            }),
        );
    });

    it('differs from all others of its millisecond', () => {
        const ids = Array.from({ length: 2_000 }, () => newRequestId(1_000).toString('hex'));
        expect(new Set(ids).size).toBe(ids.length);
    });

    it('is made by a clock that is far off as well', () => {
        for (const atMs of [-1, 2 ** 60, 1.5]) expect(newRequestId(atMs)).toHaveLength(16);
    });
});
