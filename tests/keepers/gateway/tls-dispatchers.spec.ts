import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { silentLogger, systemClock } from '../../../keepers/base';
import { EscrowBook } from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { accountWith } from '../../replicas/terms';
import { openNewLedger } from '../../support/new-ledger';
import { TlsAuthority } from '../../support/tls-authority';
import { bytesOf } from '../confidential/exchange';
import { network } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { typescriptNode } from '../../support/typescript-node';

const folder = temporaryFolder();
const authority = new TlsAuthority();
const authorityFile = path.join(folder, 'authority.txt');
writeFileSync(authorityFile, authority.certificate);
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A real dispatcher of a hub of its own that serves TLS itself, for `localhost`. */
async function dispatcherOf(name: string, certifiedFor = 'localhost') {
    const [hub, escrow] = [bytesOf(`hub ${name}`), bytesOf(`escrow ${name}`)];
    const ledger = await openNewLedger(folder);
    const service = new DispatcherService({
        network,
        hub,
        ledger,
        book: new EscrowBook({ read: async () => ({ ...accountWith(10n ** 9n), escrow }) }),
        isAdmitted: async () => true,
        queueLimitPerNode: 16,
        clock: systemClock,
        logger: silentLogger(),
    });
    const tls = authority.serverOf(certifiedFor);
    const server = createDispatcherServer({ service, maxBodyBytes: 1_000_000, logger: silentLogger(), tls });
    const url = (await server.listen({ host: '127.0.0.1', port: 0 })).replace('127.0.0.1', 'localhost');
    let dead: Promise<void> | undefined;
    const die = () => (dead ??= server.close());
    endings.push(async () => {
        await die();
        while (service.inFlight > 0) await pause(5);
        await ledger.close();
    });
    return { url, hub, escrow, ledger, service, die };
}

interface ClientState {
    /** By way of which dispatcher each trusted node is used. */
    trusted: string[];
    /** Dispatchers that named a node. */
    named: string[];
    problem: string | null;
    links: { url: string; connected: boolean; problem: string | null }[];
    final: number;
}

type Dispatcher = Awaited<ReturnType<typeof dispatcherOf>>;

/** A gateway and a node that trust the public authorities, and the test's own where the environment names it. */
class Client {
    private readonly lines: AsyncIterator<string>;
    complaint = '';

    private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
        this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        child.stderr.on('data', (bytes: Buffer) => (this.complaint += bytes.toString()));
    }

    static start(dispatchers: Dispatcher[], environment: NodeJS.ProcessEnv): Client {
        const own = path.join(folder, `client ${Math.random()}`);
        mkdirSync(own);
        const places = dispatchers.map(({ url, hub, escrow }) => ({
            url,
            hub: hub.toString('hex'),
            escrow: escrow.toString('hex'),
        }));
        const script = path.join(__dirname, 'tls-client.ts');
        const settings = JSON.stringify({ folder: own, places });
        const child = spawn(process.execPath, [...typescriptNode, script, settings], {
            stdio: ['pipe', 'pipe', 'pipe'],
            env: { ...process.env, ...environment },
        });
        endings.push(async () => {
            if (child.exitCode !== null) return;
            child.stdin.end();
            await once(child, 'exit');
        });
        return new Client(child);
    }

    ask(): Promise<{ text?: string; error?: string }> {
        return this.say('ask');
    }

    async until(condition: (state: ClientState) => boolean): Promise<ClientState> {
        for (let tries = 0; tries < 300; tries++) {
            const state = await this.say<ClientState>('state');
            if (condition(state)) return state;
            await pause(50);
        }
        throw new Error('it never happened');
    }

    private async say<Answer>(word: string): Promise<Answer> {
        this.child.stdin.write(`${word}\n`);
        const line = await this.lines.next();
        if (line.done === true) throw new Error(`the client ended: ${this.complaint}`);
        return JSON.parse(line.value) as Answer;
    }
}

const answered = { text: expect.stringMatching(/^1 2 .*20 $/) as string };

test('one of two dispatchers dies, of which gateway and node trust the authority: callers are answered all the same', async () => {
    const [a, b] = [await dispatcherOf('a'), await dispatcherOf('b')];
    const client = Client.start([a, b], { NODE_EXTRA_CA_CERTS: authorityFile });
    // A node of several hubs is used by way of the first, whichever of them named it first.
    await client.until(({ trusted, named }) => trusted[0] === a.url && named.includes(b.url));
    expect(await client.ask()).toEqual(answered);
    expect([(await a.ledger.totals()).finalReceipts, (await b.ledger.totals()).finalReceipts]).toEqual([1, 0]);

    const midway = client.ask();
    while (a.service.inFlight === 0) await pause(5);
    // The node has it, and its engine has said nothing.
    await pause(100);
    await a.die();
    expect(await midway).toEqual(answered);
    expect(await client.ask()).toEqual(answered);
    expect((await b.ledger.totals()).finalReceipts).toBe(2);
    await client.until(({ final }) => final === 3);
}, 60_000);

test.each<[string, string, NodeJS.ProcessEnv, RegExp]>([
    ['of an authority that nobody named', 'localhost', { NODE_EXTRA_CA_CERTS: '' }, /unable to verify|self[- ]signed/],
    ['for another host', 'other.example', { NODE_EXTRA_CA_CERTS: authorityFile }, /does not match certificate/],
])(
    'a dispatcher with a certificate %s gets neither request nor node',
    async (_what, host, environment, reason) => {
        const a = await dispatcherOf('a', host);
        const client = Client.start([a], environment);
        const state = await client.until(({ problem, links }) => Boolean(problem) && Boolean(links[0]!.problem));
        expect([state.problem, state.links[0]!.problem]).toEqual([
            expect.stringMatching(reason),
            expect.stringMatching(reason),
        ]);
        expect(await client.ask()).toEqual({ error: expect.stringContaining('GatewayError') as string });
        expect(a.service.connectedNodes).toBe(0);
    },
    60_000,
);
