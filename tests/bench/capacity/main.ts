/**
 * What a gateway and a dispatcher take at size: picking among 10 000 nodes; a dispatcher with 10 000 connected nodes and
 * 100 000 escrows that starts and admits requests. `npm run bench -- capacity [--json]`
 */
import { measureDispatcher } from './measure-dispatcher';
import { measurePick } from './measure-pick';

async function main(): Promise<void> {
    const figures = { ...(await measurePick()), ...(await measureDispatcher()) };
    if (process.argv.includes('--json')) return void process.stdout.write(`${JSON.stringify(figures)}\n`);
    for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(28)} ${value}\n`);
}

void main();
