/**
 * The same JSON as Python's `json.dumps` spells it by default: a space behind each comma and colon, and everything beyond
 * ASCII escaped. dstack's proxy signs an answer in this spelling and sends it in the compact one. Undefined for bytes that
 * are not compact JSON, since for those nothing says what was signed.
 */
export function pythonSpelling(json: string): string | undefined {
    try {
        JSON.parse(json);
    } catch {
        return undefined;
    }
    // Strings are matched whole, so what is left between them is structure, numbers and words.
    return json.replace(/"(?:[^"\\]|\\.)*"|[,:]/gs, (part) => (part.length === 1 ? `${part} ` : inAscii(part)));
}

function inAscii(text: string): string {
    return text.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
