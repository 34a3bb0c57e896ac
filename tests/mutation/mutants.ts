import { getAstFactory, getParser } from '@tact-lang/compiler';
import type * as Ast from '@tact-lang/compiler/dist/ast/ast';

/** A condition that keeps something out: a `require`, or an `if` that only returns or asks who sent. */
export interface Site {
    /** stable while the code around it moves: file, error text or condition, and a number where that repeats */
    id: string;
    kind: 'require' | 'guard';
    file: string;
    line: number;
    /** null for a guard, which has none */
    errorText: string | null;
}

/** One change of one condition. */
export interface Mutant {
    id: string;
    site: Site;
    /** of the file's text, in UTF-16 units */
    start: number;
    end: number;
    replacement: string;
    /** what decides otherwise: the whole condition, or the comparison in it */
    condition: { start: number; end: number };
}

/** Off by one, either way. */
const neighbours: Record<string, string> = { '<=': '<', '>=': '>', '<': '<=', '>': '>=' };

/** Texts of errors that several requires share, by the name of their constant. */
export type ErrorConstants = ReadonlyMap<string, string>;

/** Of all sources: a text may stand in another file than who uses it. */
export function errorConstantsOf(sources: Iterable<readonly [file: string, source: string]>): ErrorConstants {
    const constants = new Map<string, string>();
    for (const [file, source] of sources) {
        visit(parse(file, source), (node) => {
            if (node.kind === 'constant_def' && node.initializer.kind === 'string') {
                constants.set(node.name.text, node.initializer.value);
            }
        });
    }
    return constants;
}

function parse(file: string, source: string): Ast.Module {
    return getParser(getAstFactory()).parse({ code: source, path: file, origin: 'user' });
}

/** Every mutant of one source, in the order of the text. */
export function findMutants(file: string, source: string, constants: ErrorConstants): Mutant[] {
    const ast = parse(file, source);
    const names = new Map<string, number>();
    return conditionsOf(ast, constants).flatMap(({ kind, condition, errorText }) => {
        const text = flat(condition.loc.contents);
        const name = `${file}: ${errorText ?? `if (${text})`}`;
        const count = (names.get(name) ?? 0) + 1;
        names.set(name, count);
        const line = condition.loc.interval.getLineAndColumn().lineNum;
        const site = { id: count === 1 ? name : `${name} #${count}`, kind, file, line, errorText };
        return changesOf(kind, condition, source).map(({ what, ...change }) => ({
            id: `${site.id}: ${flat(what)}`,
            site,
            ...change,
        }));
    });
}

interface Condition {
    kind: Site['kind'];
    condition: Ast.Expression;
    errorText: string | null;
}

function conditionsOf(module: Ast.Module, constants: ErrorConstants): Condition[] {
    const found: Condition[] = [];
    visit(module, (node) => {
        if (node.kind === 'static_call' && node.function.text === 'require') {
            const [condition, message] = node.args as [Ast.Expression, Ast.Expression];
            const text = message.kind === 'string' ? message.value : constants.get(message.loc.contents);
            if (text === undefined) throw new Error(`${node.loc.contents}: the error text is not known`);
            found.push({ kind: 'require', condition, errorText: text });
        }
        if (node.kind === 'statement_condition' && isGuard(node)) {
            found.push({ kind: 'guard', condition: node.condition, errorText: null });
        }
    });
    return found;
}

/** Get methods guard nothing. */
function isGetter(node: Ast.AstNode): boolean {
    return node.kind === 'function_def' && node.attributes.some((attribute) => attribute.type === 'get');
}

function isGuard({ condition, trueStatements, falseStatements }: Ast.StatementCondition): boolean {
    if (falseStatements !== undefined) return false;
    return trueStatements.at(-1)?.kind === 'statement_return' || /\bsender\(\)/.test(condition.loc.contents);
}

type Change = Pick<Mutant, 'start' | 'end' | 'replacement' | 'condition'> & { what: string };

/** The condition that lets everything pass, and every comparison in it moved by one. */
function changesOf(kind: Site['kind'], condition: Ast.Expression, source: string): Change[] {
    const { startIdx: start, endIdx: end } = condition.loc.interval;
    const always = kind === 'require' ? 'true' : 'false';
    const whole = { start, end, replacement: always, condition: { start, end } };
    const changes: Change[] = [{ ...whole, what: `${condition.loc.contents} is ${always}` }];
    visit(condition, (node) => {
        if (node.kind !== 'op_binary' || neighbours[node.op] === undefined) return;
        const at = source.indexOf(node.op, node.left.loc.interval.endIdx);
        const replacement = neighbours[node.op]!;
        const what = `${node.loc.contents} with ${replacement}`;
        const { startIdx, endIdx } = node.loc.interval;
        const compared = { start: startIdx, end: endIdx };
        changes.push({ start: at, end: at + node.op.length, replacement, what, condition: compared });
    });
    return changes;
}

function visit(node: unknown, act: (node: Ast.AstNode) => void): void {
    if (Array.isArray(node)) {
        for (const element of node) visit(element, act);
    } else if (isNode(node) && !isGetter(node)) {
        act(node);
        for (const [name, child] of Object.entries(node)) if (name !== 'loc') visit(child, act);
    }
}

function isNode(value: unknown): value is Ast.AstNode {
    return typeof value === 'object' && value !== null && 'kind' in value;
}

function flat(text: string): string {
    return text.replace(/\s+/g, ' ');
}
