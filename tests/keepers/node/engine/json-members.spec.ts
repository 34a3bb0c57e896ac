import fc from 'fast-check';
import { membersOf, withoutMembers } from '../../../../keepers/node/engine/json-members';

const names = fc.constantFrom('usage', 'a', 'b "quoted"', 'c\\', '', 'ü');
const objects = fc.dictionary(names, fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true });

/** The same JSON, spelled with space wherever there may be some. */
const spaced = (value: unknown) => ` ${JSON.stringify(value, null, '\t')}\n`;

describe.each([
    ['as JSON.stringify spells it', (value: unknown) => JSON.stringify(value)],
    ['with space between', spaced],
])('members of a JSON object, %s', (_, spell) => {
    test('have the names and values that JSON.parse finds', () => {
        fc.assert(
            fc.property(objects, (object) => {
                const text = spell(object);
                const found = membersOf(text).map(({ name, from, to }) => {
                    const member = JSON.parse(`{${text.slice(from, to)}}`) as Record<string, unknown>;
                    return [name, member[name]];
                });
                expect(found).toEqual(Object.entries(JSON.parse(text) as object));
            }),
        );
    });

    test('go without a trace, and the others stay', () => {
        fc.assert(
            fc.property(objects, fc.uniqueArray(names.map(String)), (object, gone) => {
                const left = Object.entries(JSON.parse(spell(object)) as object).filter(
                    ([name]) => !gone.includes(name),
                );
                expect(JSON.parse(withoutMembers(spell(object), gone))).toEqual(Object.fromEntries(left));
            }),
        );
    });
});

test('a name that is there twice, or spelled with escapes, goes as a whole', () => {
    const text = '{"n":1.0,"usage":1,"\\u0075sage":{"a":["}"]},"big":12345678901234567890,"usage":null}';
    expect(withoutMembers(text, ['usage'])).toBe('{"n":1.0,"big":12345678901234567890}');
});

test('megabytes of text in one member are no trouble', () => {
    const image = 'A"\\'.repeat(2_000_000);
    const text = JSON.stringify({ image, usage: 1, last: [image] });
    expect(withoutMembers(text, ['usage'])).toBe(JSON.stringify({ image, last: [image] }));
});
