/**
 * `npm run bench -- NAME [--json]`: what each measures is said at the head of its module, which runs when it is loaded and
 * reads its own options. A new one is a line here.
 */
const benches: Record<string, () => Promise<unknown>> = {
    attestation: () => import('../keepers/attestation/bench.js'),
    capacity: () => import('./capacity/main.js'),
    gateway: () => import('./gateway/main.js'),
    ledger: () => import('./ledger/main.js'),
};

async function main(name: string | undefined): Promise<void> {
    const bench = name !== undefined && Object.hasOwn(benches, name) ? benches[name] : undefined;
    if (bench !== undefined) {
        await bench();
        return;
    }
    const known = Object.keys(benches).join(', ');
    if (name === '--help') return void process.stdout.write(`npm run bench -- NAME [--help], NAME one of: ${known}\n`);
    process.stderr.write(`${name === undefined ? 'name a bench' : `there is no bench "${name}"`}: ${known}\n`);
    process.exitCode = 2;
}

void main(process.argv[2]);
