import path from 'node:path';
import { toNano } from '@ton/core';
import { z } from 'zod';
import { CocoonError } from '../base';
import { LocalNetwork, superviseAll } from '../devnet';

const optionsSchema = z.object({
    port: z
        .string()
        .regex(/^\d{1,5}$/, '--port must be a number')
        .transform(Number),
    dir: z.string().min(1),
    fees: z.enum(['sandbox', 'mainnet-2026'], '--fees must be sandbox or mainnet-2026'),
    deposit: z
        .string()
        .regex(/^\d{1,2}(\.\d{1,9})?$/, '--deposit must be an amount of TON below 100')
        .transform(toNano)
        .refine((amountNano) => amountNano > 0n, '--deposit must be above zero'),
});

export interface StartCommandOptions {
    port: string;
    dir: string;
    fees: string;
    deposit: string;
    bothApis?: boolean;
}

/** `cocoon start`: stays until a signal, then stops everything in order. What it kept is there for the next start. */
export async function runStartCommand(given: StartCommandOptions): Promise<void> {
    const parsed = optionsSchema.safeParse(given);
    if (!parsed.success) throw new CocoonError('argument_invalid', parsed.error.issues[0]!.message, { action: 'fix' });
    const { port, dir, fees, deposit } = parsed.data;
    const network = await LocalNetwork.launch({
        dir: path.resolve(dir),
        gatewayPort: port,
        feeConfig: fees,
        depositNano: deposit,
        bothApis: given.bothApis,
        progress: (line) => console.error(line),
    });
    console.log(welcome(network));
    await untilStopped(network);
    console.error('stopping');
    await network.stop();
}

function welcome(network: LocalNetwork): string {
    const body = '{"model":"cocoon-toy","max_tokens":64,"messages":[{"role":"user","content":"In the beginning"}]}';
    return [
        '',
        'The network is up. Point any OpenAI client at it:',
        `  base URL  ${network.gatewayUrl}/v1`,
        '  API key   any (this gateway listens on the loopback only)',
        '  model     cocoon-toy',
        '',
        `  curl ${network.gatewayUrl}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
        '',
        `  escrow and receipts: ${network.gatewayUrl}/cocoon/status   ${network.gatewayUrl}/cocoon/receipts`,
        `  metrics, health and state of each process: GET /metrics, /readyz, /status at`,
        ...adminLines(network),
        `  logs: ${path.relative(process.cwd(), path.join(network.layout.dir, 'logs'))}   stop: Ctrl-C`,
    ].join('\n');
}

function adminLines(network: LocalNetwork): string[] {
    return [...network.processes].flatMap(([name, { ready }]) =>
        typeof ready['adminUrl'] === 'string' ? [`    ${name.padEnd(10)} ${ready['adminUrl']}`] : [],
    );
}

/** A process that ends by itself is brought up again, as a service manager would. */
function untilStopped(network: LocalNetwork): Promise<void> {
    return new Promise((resolve) => {
        const stopWatching = superviseAll(network, (line) => console.error(line));
        const stop = () => {
            stopWatching();
            resolve();
        };
        process.once('SIGINT', stop);
        process.once('SIGTERM', stop);
    });
}
