/** A rule that did not hold; the sentence is what a regression is named after. */
export class SoakFailure extends Error {
    constructor(
        readonly rule: string,
        readonly detail: string,
    ) {
        super(`${rule}: ${detail}`);
        this.name = 'SoakFailure';
    }
}
