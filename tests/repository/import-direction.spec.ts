import path from 'node:path';
import { importsOf, readRepositoryFile, repositoryFiles } from './source-files';

/**
 * Which folders a folder may import, besides itself. Reading downwards, an import never points up:
 * contracts <- wrappers <- keepers/chain <- {settlement, dispatch} <- {node, gateway, dispatcher} <- devnet <- cli.
 */
const allowed: Record<string, string[]> = {
    wrappers: ['build'],
    'keepers/base': [],
    'keepers/config': ['keepers/base'],
    'keepers/attestation': ['keepers/base'],
    'keepers/ledger': ['keepers/base', 'wrappers'],
    'keepers/confidential': ['keepers/base', 'wrappers'],
    'keepers/chain': ['keepers/base', 'keepers/config', 'wrappers'],
    'keepers/outbox': ['keepers/base', 'keepers/chain', 'keepers/ledger'],
    'keepers/telemetry': ['keepers/base'],
    'keepers/settlement': [
        'keepers/base',
        'keepers/chain',
        'keepers/confidential',
        'keepers/ledger',
        'keepers/outbox',
        'keepers/telemetry',
        'wrappers',
    ],
    'keepers/watchdog': [
        'keepers/base',
        'keepers/chain',
        'keepers/config',
        'keepers/ledger',
        'keepers/outbox',
        'keepers/settlement',
        'wrappers',
    ],
    'keepers/dispatch': [
        'keepers/base',
        'keepers/attestation',
        'keepers/chain',
        'keepers/confidential',
        'keepers/ledger',
        'wrappers',
    ],
    'keepers/dispatcher': [
        'keepers/base',
        'keepers/attestation',
        'keepers/chain',
        'keepers/confidential',
        'keepers/config',
        'keepers/dispatch',
        'keepers/ledger',
        'keepers/telemetry',
        'wrappers',
    ],
    'keepers/node': [
        'keepers/base',
        'keepers/attestation',
        'keepers/chain',
        'keepers/confidential',
        'keepers/config',
        'keepers/dispatch',
        'keepers/ledger',
        'keepers/outbox',
        'keepers/settlement',
        'keepers/telemetry',
        'wrappers',
    ],
    'keepers/gateway': [
        'keepers/base',
        'keepers/attestation',
        'keepers/chain',
        'keepers/confidential',
        'keepers/config',
        'keepers/dispatch',
        'keepers/ledger',
        'keepers/telemetry',
        'wrappers',
    ],
    'keepers/registrar': [
        'keepers/base',
        'keepers/attestation',
        'keepers/chain',
        'keepers/config',
        'keepers/ledger',
        'keepers/outbox',
        'keepers/telemetry',
        'wrappers',
    ],
    'keepers/operator': [
        'keepers/registrar',
        'keepers/base',
        'keepers/attestation',
        'keepers/chain',
        'keepers/confidential',
        'keepers/config',
        'keepers/ledger',
        'wrappers',
    ],
    'keepers/devnet': ['*'],
    'keepers/cli': ['*'],
    scripts: [
        'wrappers',
        'keepers/base',
        'keepers/chain',
        'keepers/attestation',
        'keepers/confidential',
        'keepers/config',
        'keepers/operator',
    ],
};

/** Packages that only some folders may import. */
const restrictedPackages: Record<string, string[]> = {
    '@ton/ton': ['keepers/chain', 'keepers/cli', 'scripts'],
    '@ton/sandbox': ['keepers/devnet'],
    '@ton/blueprint': ['scripts'],
    'prom-client': ['keepers/telemetry'],
    '@opentelemetry/api': ['keepers/telemetry'],
    '@opentelemetry/sdk-trace-base': ['keepers/telemetry'],
    '@opentelemetry/resources': ['keepers/telemetry'],
    '@opentelemetry/exporter-trace-otlp-http': ['keepers/telemetry'],
};

function folderOf(file: string): string {
    const [first, second] = file.split('/');
    return first === 'keepers' ? `keepers/${second}` : first!;
}

function violations(): string[] {
    return repositoryFiles('wrappers/*.ts', 'keepers/*.ts', 'scripts/*.ts').flatMap((file) => {
        const folder = folderOf(file);
        const permitted = allowed[folder];
        if (permitted === undefined) return [`${file}: folder ${folder} has no row in this test`];
        return importsOf(readRepositoryFile(file)).flatMap((specifier) => {
            if (!specifier.startsWith('.')) {
                const owners = restrictedPackages[specifier];
                return owners === undefined || owners.includes(folder) ? [] : [`${file}: may not import ${specifier}`];
            }
            const target = folderOf(path.normalize(path.join(path.dirname(file), specifier)));
            const fine = target === folder || permitted.includes('*') || permitted.includes(target);
            return fine ? [] : [`${file}: ${folder} may not import ${target}`];
        });
    });
}

describe('import direction', () => {
    it('never points up', () => {
        expect(violations()).toEqual([]);
    });

    it('is read from every form of import', () => {
        const source = `import a from 'a'; export { b } from "b"; await import('c'); require('d'); import 'e';`;
        expect(importsOf(source)).toEqual(['a', 'b', 'c', 'd', 'e']);
    });
});
