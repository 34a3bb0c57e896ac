/** Bytes that are not what their format says. Internal: the verifier turns it into a refusal with a stable code. */
export class FormatError extends Error {}

export function requireFormat(condition: boolean, message: string): asserts condition {
    if (!condition) {
        throw new FormatError(message);
    }
}
