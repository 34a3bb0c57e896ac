const [quote, escape] = [0x22, 0x5c];
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Whether some value in the text lies within more than so many lists and objects. Of text that is no JSON it may say either. */
export function isNestedDeeperThan(most: number, json: string): boolean {
    let depth = 0;
    let isInString = false;
    for (let at = 0; at < json.length; at++) {
        const code = json.charCodeAt(at);
        if (code === quote) isInString = !isInString;
        else if (isInString) at += code === escape ? 1 : 0;
        else if (closing.has(code)) depth -= 1;
        else if (opening.has(code) && ++depth > most) return true;
    }
    return false;
}
