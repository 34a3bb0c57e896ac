import { randomBytes } from 'node:crypto';
import { fragmentsOf, scanForPlaintext } from '../../../../keepers/devnet/demo/plaintext-scan';

const prompt = 'In the beginning "God" created\nthe heaven and the earth – 创世记';

function planted(middle: Buffer): { where: string; bytes: Buffer }[] {
    return [{ where: 'capture', bytes: Buffer.concat([randomBytes(401), middle, randomBytes(97)]) }];
}

describe('the plaintext scanner', () => {
    it('finds nothing in random bytes', () => {
        expect(scanForPlaintext(planted(randomBytes(100_000)), [prompt])).toEqual([]);
    });

    it.each([
        ['raw', Buffer.from(prompt)],
        ['JSON-escaped', Buffer.from(JSON.stringify({ content: prompt }))],
        ['hex', Buffer.from(Buffer.from(prompt).toString('hex'))],
        ['upper-case hex', Buffer.from(Buffer.from(prompt).toString('hex').toUpperCase())],
        ['base64', Buffer.from(Buffer.from(prompt).toString('base64'))],
        ['base64 one byte later', Buffer.from(Buffer.from(`x${prompt}`).toString('base64'))],
        ['base64 two bytes later', Buffer.from(Buffer.from(`xy${prompt}`).toString('base64'))],
        ['base64url', Buffer.from(Buffer.from(`xy${prompt}`).toString('base64url'))],
        ['a fragment only', Buffer.from(prompt).subarray(9, 36)],
    ])('finds a prompt planted %s', (_, bytes) => {
        expect(scanForPlaintext(planted(bytes), [prompt]).length).toBeGreaterThan(0);
    });

    it('covers a text with overlapping fragments to its end', () => {
        const fragments = fragmentsOf(prompt);
        expect(prompt.endsWith(fragments.at(-1)!)).toBe(true);
        expect(fragments.every((fragment) => prompt.includes(fragment))).toBe(true);
        expect(fragmentsOf('abc')).toEqual([]);
    });
});
