/** Something that must not be. */
export interface Finding {
    rule: string;
    detail: string;
}

const shownPerRule = 5;

/** What an audit found, with the counts that its verdict is told by. */
export class Findings {
    private readonly found: Finding[] = [];
    private readonly counts = new Map<string, number>();
    checks = 0;

    /** One check of a rule; a detail says that it does not hold. */
    check(rule: string, detail: string | undefined): void {
        this.checks += 1;
        if (detail === undefined) return;
        const count = (this.counts.get(rule) ?? 0) + 1;
        this.counts.set(rule, count);
        if (count <= shownPerRule) this.found.push({ rule, detail });
    }

    equal(rule: string, what: string, amounts: { is: bigint; shouldBe: bigint }): void {
        const { is, shouldBe } = amounts;
        this.check(rule, is === shouldBe ? undefined : `${what} is ${is}, should be ${shouldBe}`);
    }

    /** How often the rule did not hold. */
    countOf(rule: string): number {
        return this.counts.get(rule) ?? 0;
    }

    get ok(): boolean {
        return this.counts.size === 0;
    }

    /** The first few of each rule, the rest as a number. */
    get list(): readonly (Finding & { times: number })[] {
        return this.found.map((finding) => ({ ...finding, times: this.countOf(finding.rule) }));
    }
}
