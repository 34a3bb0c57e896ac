import ts from 'typescript';
import type { Site } from './mutants';

/** Spec files by path, with their texts. */
export type Specs = ReadonlyMap<string, string>;

/** What to run, the likeliest to fail first. `names` is what jest's -t takes; null runs all of the files. */
export interface Stage {
    files: string[];
    names: string | null;
}

/**
 * Tests that name the error, then the whole of their files, then every file that names any error of the same contract.
 * Quotes are refused by texts without the contract's name.
 */
export function stagesFor(site: Site, specs: Specs): Stage[] {
    const related = relatedFiles(site, specs);
    if (site.errorText === null) return [{ files: related, names: null }];
    const texts = [site.errorText, site.errorText.replace(/^QuoteVerifier: /, '')].map(quoted);
    const naming = related.filter((file) => texts.flat().some((text) => specs.get(file)!.includes(text)));
    const names = naming.flatMap((file) => testNames(specs.get(file)!, site.errorText!) ?? []);
    const others = related.filter((file) => !naming.includes(file));
    return [
        ...(names.length > 0 ? [{ files: naming, names: names.map(asPattern).join('|') }] : []),
        ...(naming.length > 0 ? [{ files: naming, names: null }] : []),
        ...(others.length > 0 ? [{ files: others, names: null }] : []),
    ];
}

/** Tests of quotes name neither the contract nor its errors in full; they have a folder of their own. */
function relatedFiles(site: Site, specs: Specs): string[] {
    if (!site.file.includes('/attestation/')) return filesWith(relatedTexts(site), specs);
    return [...specs.keys()].filter((file) => file.includes('/attestation/'));
}

/** Texts by which a spec shows that it is about the contract. */
function relatedTexts({ file, errorText }: Site): string[] {
    const contract = errorText?.split(':')[0] ?? contractOf(file);
    // What is shared is called by hub and provider; the hub's tests are the escrow's too.
    const settling = ["'Payout: ", '"Payout: ', "'Escrow: ", '"Escrow: ', 'createSettlement'];
    if (contract === 'Payout' || contract === 'Escrow') return settling;
    if (contract === 'Cocoon' || contract === 'Shared') return [...settling, "'Provider: ", "'Registry: "];
    return [`'${contract}: `, `"${contract}: `];
}

function contractOf(file: string): string {
    const [, part] = file.split('/');
    const name = part!.replace('.tact', '');
    return name[0]!.toUpperCase() + name.slice(1);
}

function filesWith(texts: readonly string[], specs: Specs): string[] {
    return [...specs].filter(([, source]) => texts.some((text) => source.includes(text))).map(([file]) => file);
}

function quoted(text: string): string[] {
    return [`'${text}'`, `"${text}"`, `\`${text}\``, text];
}

/** Names of the tests in whose bodies or tables the text stands; null when it stands elsewhere too, in a helper perhaps. */
export function testNames(source: string, errorText: string): string[] | null {
    const text = errorText.replace(/^QuoteVerifier: /, '');
    const tree = ts.createSourceFile('spec.ts', source, ts.ScriptTarget.ES2022, true);
    const names = new Set<string>();
    let outside = false;
    const walk = (node: ts.Node): void => {
        if (ts.isStringLiteralLike(node) && node.text.includes(text)) {
            const name = enclosingTest(node);
            if (name === null) outside = true;
            else names.add(name);
        }
        ts.forEachChild(node, walk);
    };
    walk(tree);
    return outside ? null : [...names];
}

function enclosingTest(node: ts.Node): string | null {
    for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
        if (!ts.isCallExpression(at) || rootName(at.expression) !== 'it') continue;
        // The table of it.each(table)(name, test) is a call of its own.
        const call: ts.CallExpression = ts.isCallExpression(at.parent) && at.parent.expression === at ? at.parent : at;
        const [name] = call.arguments;
        return name !== undefined && ts.isStringLiteralLike(name) ? name.text : null;
    }
    return null;
}

function rootName(expression: ts.Expression): string | null {
    if (ts.isIdentifier(expression)) return expression.text;
    if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression)) {
        return rootName(expression.expression);
    }
    return null;
}

/** Placeholders of a table's name stand for anything. */
function asPattern(name: string): string {
    return name
        .split(/%[a-z]|\$\w+/)
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*');
}
