/**
 * `npm run test:replicas`: two dispatcher processes on one PostgreSQL, a node and a gateway that were told of the first
 * alone. `--streams N` requests at once; in their midst the first replica is killed; then, under load, each replica is
 * restarted in turn. The last line is one JSON object; exit code 1 unless `ok`.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openDispatchLedger } from '../../keepers/ledger';
import { escrow, hub } from '../keepers/dispatch/sealed-request';
import { PostgresServer } from '../support/postgres/postgres-server';
import { startGateway, startNode } from './client-and-node';
import { Replica } from './replica';
import { accountWith } from './terms';

const { values } = parseArgs({ options: { streams: { type: 'string', default: '200' } } });
const streams = Number(values.streams);
/** The worst case of one request. */
const worstNano = 2_048n + 64n;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Told {
    firstFrameAtMs: number | null;
    error: string | null;
    text: string;
}

async function main(): Promise<void> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'cocoon-replicas-'));
    const postgres = await PostgresServer.start({ settings: { max_connections: 100 } });
    const database = await postgres.database();
    const balanceNano = worstNano * BigInt(streams + 2_000);
    const replicaOf = async (id: string) =>
        new Replica({ id, port: await freePort(), database, balanceNano: balanceNano.toString() });
    const replicas = [await replicaOf('a'), await replicaOf('b')] as const;
    const ledger = await openDispatchLedger({ ...database, dispatcherId: 'reader' });
    try {
        for (const replica of replicas) await replica.start();
        const first = { url: replicas[0].url, hub, escrow };
        const node = await startNode(folder, { dispatchers: [first], places: streams, balanceNano });
        const gateway = startGateway(folder, { dispatchers: [first], balanceNano });
        await gateway.hubs.refresh();
        gateway.directory.start();
        await until('replicas find each other', () => {
            const known = gateway.hubs.peers.length === 2 && gateway.directory.trusted.length === 1;
            return known && node.service.dispatchers.filter(({ connected }) => connected).length === 2;
        });
        const ask = () => askOnce(gateway.service);

        const asked = Array.from({ length: streams }, ask);
        await pause(2_000);
        const killedAtMs = Date.now();
        await replicas[0].end('SIGKILL');
        const kill = await Promise.all(asked.map(({ done }) => done));
        const waiting = kill.filter(({ firstFrameAtMs }) => firstFrameAtMs === null || firstFrameAtMs > killedAtMs);
        process.stderr.write(`killed: ${waiting.length} of ${streams} had no frame yet\n`);
        await replicas[0].start();
        process.stderr.write('the killed replica starts again\n');
        await until(
            'the killed replica is back',
            () => node.service.dispatchers.every(({ connected }) => connected),
            20_000,
            () => node.service.dispatchers,
        );

        const rolling: Promise<Told>[] = [];
        let stop = false;
        const load = (async () => {
            while (!stop) {
                rolling.push(ask().done);
                await pause(100);
            }
        })();
        for (const replica of replicas) {
            process.stderr.write(`restarting ${replica.url} under load\n`);
            await pause(1_500);
            await replica.end('SIGTERM');
            await pause(500);
            await replica.start();
            await until('a restarted replica is back', () =>
                node.service.dispatchers.every(({ connected }) => connected),
            );
        }
        stop = true;
        await load;
        const roll = await Promise.all(rolling);

        process.stderr.write('counting\n');
        const answers = kill.length + roll.length;
        await until(
            'every receipt is in',
            async () => Number((await ledger.totals()).finalReceipts) >= answers,
            20_000,
        );
        const totals = await ledger.totals();
        const { paidNano } = accountWith(balanceNano);
        const owedNano = await ledger.outstandingNano(escrow, 3, { paidNano });
        const [stream] = await ledger.nodeKeys(escrow, 3);
        const highestCapNano = await ledger.highestCapNano({ escrow, epoch: 3, nodeKey: stream! });
        const failed = [...kill, ...roll].filter(({ error }) => error !== null);
        const report = {
            streams,
            withoutFrameAtKill: waiting.length,
            failedWithoutFrame: waiting.filter(({ error }) => error !== null).length,
            failedAtKill: kill.filter(({ error }) => error !== null).length,
            rolled: roll.length,
            failedAtRoll: roll.filter(({ error }) => error !== null).length,
            runs: node.engine.runs,
            answers,
            finalReceipts: totals.finalReceipts,
            costNano: totals.costNano.toString(),
            owedNano: owedNano.toString(),
            highestCapNano: highestCapNano.toString(),
            errors: [...new Set(failed.map(({ error }) => error))].slice(0, 5),
        };
        const ok =
            failed.length === 0 &&
            waiting.length > 0 &&
            report.runs === answers &&
            totals.finalReceipts === answers &&
            totals.costNano === owedNano &&
            totals.costNano <= highestCapNano &&
            [...kill, ...roll].every(({ text }) => text.trim().split(' ').length === 20);
        await node.service.stop(0);
        await gateway.directory.stop();
        await gateway.hubs.stop();
        gateway.ledger.close();
        await node.log.close();
        process.stdout.write(`${JSON.stringify({ ok, ...report })}\n`);
        process.exitCode = ok ? 0 : 1;
    } finally {
        for (const replica of replicas) await replica.end('SIGKILL');
        await ledger.close();
        await postgres.stop();
        rmSync(folder, { recursive: true, force: true });
    }
}

function askOnce(gateway: ReturnType<typeof startGateway>['service']): { done: Promise<Told> } {
    const told: Told = { firstFrameAtMs: null, error: null, text: '' };
    const body = Buffer.from(JSON.stringify({ model: 'toy', stream: true, max_tokens: 64, messages: [] }));
    const question = { path: '/v1/chat/completions', body, accept: 'text/event-stream' };
    const done = (async () => {
        try {
            const answer = await gateway.ask({ ...question, signal: new AbortController().signal });
            told.firstFrameAtMs = Date.now();
            for await (const bytes of answer.body) told.text += bytes.toString();
            await answer.settled;
        } catch (error) {
            told.error = `${(error as { code?: string }).code ?? ''}: ${error instanceof Error ? error.message : ''}`;
        }
        return told;
    })();
    return { done };
}

async function freePort(): Promise<number> {
    const server = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
}

async function until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    limitMs = 60_000,
    context?: () => unknown,
): Promise<void> {
    const endMs = Date.now() + limitMs;
    while (!(await condition())) {
        if (Date.now() > endMs) {
            process.stderr.write(`never happened: ${what}\n`);
            process.stderr.write(`${JSON.stringify(context?.() ?? null)}\n`);
            return;
        }
        await pause(100);
    }
}

void main();
