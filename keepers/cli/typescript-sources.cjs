'use strict';
/**
 * Lets Node require the TypeScript sources of a checkout. What a source compiles to is kept under .cache/ with the digest
 * of the very text and compiler that it came from, so nothing there can be stale: an edited source is compiled again, and
 * one that is gone is not found. Modules keep their own place (`__dirname`) and stack traces name lines of the sources.
 */
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const { Module, SourceMap } = require('node:module');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');
const cache = path.join(root, '.cache', 'js');
const options = {
    swcrc: false,
    configFile: false,
    sourceMaps: true,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    // Left alone, `import()` also loads packages that only Node's loader of ES modules can.
    module: { type: 'commonjs', ignoreDynamic: true },
};
const compiler = `${require('@swc/core/package.json').version} ${JSON.stringify(options)}\n`;
/** By source: the digest of what was loaded, and its map once a stack trace asked for it. */
const loaded = new Map();

function load(module, file) {
    const source = fs.readFileSync(file, 'utf8');
    const digest = createHash('sha256').update(compiler).update(source).digest('hex');
    loaded.set(file, { digest });
    module._compile(keptText(codeFile(file), digest) ?? compile(file, source, digest), file);
}

function codeFile(file) {
    return path.join(cache, `${path.relative(root, file)}.js`);
}

function mapFile(file) {
    return `${codeFile(file)}.map`;
}

/** A kept file begins with a line that holds the digest. */
function keptText(file, digest) {
    try {
        const text = fs.readFileSync(file, 'utf8');
        return text.startsWith(`//${digest}\n`) ? text.slice(digest.length + 3) : undefined;
    } catch {
        return undefined;
    }
}

function compile(file, source, digest) {
    const { code, map } = transform(file, source);
    try {
        keep(mapFile(file), digest, map);
        keep(codeFile(file), digest, code);
    } catch {
        // Where nothing can be written, each start compiles.
    }
    return code;
}

/** Others may read and write the same file: they see the old one whole or the new one. */
function keep(file, digest, text) {
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(draft, `//${digest}\n${text}`);
    fs.renameSync(draft, file);
}

function transform(file, source) {
    try {
        return require('@swc/core').transformSync(source, { ...options, filename: file });
    } catch (error) {
        // "x what is wrong", "-[file:line:column]", the lines themselves, then the compiler's own stack.
        const [report] = error.message.split('\n\nCaused by:');
        const line = /:(\d+):\d+\]/.exec(report)?.[1] ?? '?';
        throw new SyntaxError(`${path.relative(root, file)}:${line} cannot be compiled\n${report}`);
    }
}

function originalPosition(file, line, column) {
    const known = loaded.get(file);
    if (known === undefined) return undefined;
    if (known.map === undefined) {
        const text = keptText(mapFile(file), known.digest);
        known.map = text === undefined ? null : new SourceMap(JSON.parse(text));
    }
    const entry = known.map?.findEntry(line - 1, column - 1);
    return entry?.originalLine === undefined ? undefined : [entry.originalLine + 1, entry.originalColumn + 1];
}

function frameText(frame) {
    const text = frame.toString();
    const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
    const original = originalPosition(file, line, column);
    return original === undefined ? text : text.replace(`${file}:${line}:${column}`, `${file}:${original.join(':')}`);
}

Module._extensions['.ts'] = load;
Error.prepareStackTrace = (error, frames) =>
    [Error.prototype.toString.call(error), ...frames.map((frame) => `    at ${frameText(frame)}`)].join('\n');
