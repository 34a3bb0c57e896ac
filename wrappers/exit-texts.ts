/**
 * Exit code -> text, from the bindings' text -> code table. A hub's table also holds its children's texts, which cannot be
 * the reason of its own refusals: `prefixes` names whose texts to keep; TVM's own (without "Name: ") always stay.
 */
export function exitTexts(byText: Readonly<Record<string, number>>, prefixes: readonly string[]): Map<number, string> {
    const isOwn = (text: string) => !/^\w+: /.test(text) || prefixes.some((prefix) => text.startsWith(`${prefix}: `));
    return new Map(Object.entries(byText).flatMap(([text, code]) => (isOwn(text) ? [[code, text]] : [])));
}
