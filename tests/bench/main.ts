import { createRequire } from 'node:module';

/**
 * `npm run bench -- NAME [--json]`: what each measures is said at the head of its module, which runs when it is loaded and
 * reads its own options. A new one is a line here.
 */
const benches: Record<string, string> = {
    attestation: '../keepers/attestation/bench',
    capacity: './capacity/main',
    gateway: './gateway/main',
    ledger: './ledger/main',
};

// `import()` would not do: it is left to Node's loader of ES modules, which knows no .ts files.
const load = createRequire(__filename);

function main(name: string | undefined): void {
    const bench = name !== undefined && Object.hasOwn(benches, name) ? benches[name] : undefined;
    if (bench !== undefined) return void load(bench);
    const known = Object.keys(benches).join(', ');
    if (name === '--help') return void process.stdout.write(`npm run bench -- NAME [--help], NAME one of: ${known}\n`);
    process.stderr.write(`${name === undefined ? 'name a bench' : `there is no bench "${name}"`}: ${known}\n`);
    process.exitCode = 2;
}

main(process.argv[2]);
