import { createInterface } from 'node:readline';
import { startGateway, startNode } from '../../replicas/client-and-node';

interface Place {
    url: string;
    /** In hex. */
    hub: string;
    escrow: string;
}

/**
 * A gateway and a node as a process, since whom Node.js trusts is said when a process starts. Each line of its input is a
 * word, `ask` or `state`, and gets one line of JSON back.
 */
async function main(): Promise<void> {
    const { folder, places } = JSON.parse(process.argv[2]!) as { folder: string; places: Place[] };
    const bytes = (hex: string) => Buffer.from(hex, 'hex');
    const dispatchers = places.map(({ url, hub, escrow }) => ({ url, hub: bytes(hub), escrow: bytes(escrow) }));
    const balanceNano = 10n ** 9n;
    const node = await startNode(folder, { dispatchers, places: 4, balanceNano, firstWordMs: () => 300 });
    const gateway = startGateway(folder, { dispatchers, balanceNano });
    await gateway.hubs.refresh();
    gateway.directory.start();
    const body = Buffer.from(JSON.stringify({ model: 'toy', max_tokens: 64, messages: [] }));
    const answers: Record<string, () => Promise<object>> = {
        ask: async () => {
            const question = {
                path: '/v1/chat/completions',
                body,
                accept: '*/*',
                signal: new AbortController().signal,
            };
            const answer = await gateway.service.ask(question);
            const text = (await answer.wholeBody()).toString();
            await answer.settled;
            return { text };
        },
        state: async () => ({
            trusted: gateway.directory.trusted.map(({ dispatcherUrl }) => dispatcherUrl),
            named: [...gateway.checkedAt],
            problem: gateway.directory.problem,
            links: node.service.dispatchers,
            final: gateway.ledger.totals().requests.final ?? 0,
        }),
    };
    for await (const word of createInterface({ input: process.stdin })) {
        const answer = await answers[word]!().catch((error: unknown) => ({ error: String(error) }));
        process.stdout.write(`${JSON.stringify(answer)}\n`);
    }
    process.exit(0);
}

void main();
