/** Where a member stands in the text of a JSON object, from its name to the end of its value. */
export interface JsonMember {
    name: string;
    from: number;
    to: number;
}

const space = /\s*/y;
const structural = /["{}[\]]/g;
const scalar = /[^\s,{}[\]"]+/y;

/** The members of an object whose text `JSON.parse` accepts. */
export function membersOf(text: string): JsonMember[] {
    const members: JsonMember[] = [];
    let at = skip(space, text, text.indexOf('{') + 1);
    while (text[at] === '"') {
        const nameEnd = endOfString(text, at);
        const colon = text.indexOf(':', nameEnd);
        const to = endOfValue(text, skip(space, text, colon + 1));
        members.push({ name: JSON.parse(text.slice(at, nameEnd)) as string, from: at, to });
        const comma = skip(space, text, to);
        at = text[comma] === ',' ? skip(space, text, comma + 1) : comma;
    }
    return members;
}

/** The same object without some members; the others stay byte for byte as they were spelled. */
export function withoutMembers(text: string, names: readonly string[]): string {
    const members = membersOf(text);
    if (!members.some(({ name }) => names.includes(name))) return text;
    const kept = members.filter(({ name }) => !names.includes(name));
    const open = text.indexOf('{') + 1;
    const close = text.lastIndexOf('}');
    const spelled = kept.map(({ from, to }) => text.slice(from, to)).join(',');
    return text.slice(0, open) + spelled + text.slice(close);
}

function endOfValue(text: string, at: number): number {
    if (text[at] === '"') return endOfString(text, at);
    if (text[at] !== '{' && text[at] !== '[') return skip(scalar, text, at);
    let depth = 0;
    structural.lastIndex = at;
    for (let found = structural.exec(text); found !== null; found = structural.exec(text)) {
        if (found[0] === '"') structural.lastIndex = endOfString(text, found.index);
        else depth += found[0] === '{' || found[0] === '[' ? 1 : -1;
        if (depth === 0) return structural.lastIndex;
    }
    return text.length;
}

/** By hand: a pattern would keep a way back for each character, and an image may be megabytes of them. */
function endOfString(text: string, at: number): number {
    for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
        let escapes = 0;
        while (text[quote - 1 - escapes] === '\\') escapes++;
        if (escapes % 2 === 0) return quote + 1;
    }
    return text.length;
}

function skip(pattern: RegExp, text: string, at: number): number {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : at;
}
