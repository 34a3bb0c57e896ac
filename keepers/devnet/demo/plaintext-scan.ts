/** How a text could hide in bytes: as it is, JSON-escaped, hex, or base64 at any of its three alignments. */
function encodingsOf(text: string): string[] {
    const bytes = Buffer.from(text, 'utf8');
    const hex = bytes.toString('hex');
    const json = JSON.stringify(text).slice(1, -1);
    const jsonAscii = json.replace(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    return [text, json, jsonAscii, hex, hex.toUpperCase(), ...base64Cores(bytes), ...base64Cores(bytes).map(toUrlSafe)];
}

/** The part of the base64 text that does not depend on what stands before or after, at each alignment. */
function base64Cores(bytes: Buffer): string[] {
    return [0, 1, 2].map((shift) => {
        const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
            .toString('base64')
            .replace(/=+$/, '');
        const firstWhole = shift === 0 ? 0 : shift + 1;
        const lastWhole = Math.floor(((shift + bytes.length) * 8) / 6);
        return encoded.slice(firstWhole, lastWhole);
    });
}

function toUrlSafe(base64: string): string {
    return base64.replace(/\+/g, '-').replace(/\//g, '_');
}

/** Fragments of a text long enough not to occur by chance, overlapping so that a cut anywhere still shows. */
export function fragmentsOf(text: string, length = 16): string[] {
    const characters = [...text];
    if (characters.length <= length) return characters.length >= 6 ? [text] : [];
    const fragments: string[] = [];
    const step = Math.floor(length / 2);
    for (let at = 0; at + length <= characters.length; at += step)
        fragments.push(characters.slice(at, at + length).join(''));
    fragments.push(characters.slice(-length).join(''));
    return fragments;
}

export interface Finding {
    where: string;
    fragment: string;
}

/** Every place where a fragment of a text shows in a capture, in any encoding. */
export function scanForPlaintext(
    captures: readonly { where: string; bytes: Buffer }[],
    texts: readonly string[],
): Finding[] {
    const fragments = [...new Set(texts.flatMap((text) => fragmentsOf(text)))];
    const needles = fragments.flatMap((fragment) =>
        [...new Set(encodingsOf(fragment))].map((needle) => ({ fragment, needle: Buffer.from(needle, 'utf8') })),
    );
    return captures.flatMap(({ where, bytes }) => {
        const found = new Set(needles.filter(({ needle }) => bytes.includes(needle)).map(({ fragment }) => fragment));
        return [...found].map((fragment) => ({ where, fragment }));
    });
}
