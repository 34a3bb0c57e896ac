import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { EscrowBook, type EscrowAccount } from '../../../keepers/dispatch';
import { ApiKeys } from '../../../keepers/gateway/api-keys';
import { createGatewayServer } from '../../../keepers/gateway/server';
import { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import type { NodeDirectory } from '../../../keepers/gateway/node-directory';
import { PickIndex } from '../../../keepers/gateway/pick-index';
import { IdempotencyBook } from '../../../keepers/gateway/idempotency/idempotency-book';
import { IdempotencyKeys } from '../../../keepers/gateway/idempotency/idempotency-keys';
import { Recovery } from '../../../keepers/gateway/recovery';
import type { Question } from '../../../keepers/gateway/question';
import { GatewayService } from '../../../keepers/gateway/service';
import { GatewayLedger } from '../../../keepers/ledger';
import { account, escrow, network, nowMs, session } from '../dispatch/sealed-request';
import { ScriptedDispatcher } from './scripted-dispatcher';
import { hubAddress, oneHub, trustedNode, type TestNode } from './trusted-nodes';

const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

export interface GatewayOptions {
    nodes?: number;
    read?: () => Promise<EscrowAccount | null>;
    /** Text of the apiKeysFile. */
    apiKeys?: string | string[] | null;
    maxBodyBytes?: number;
    /** Of a gateway that ran before. */
    ledgerFile?: string;
}

/** A gateway with real money books, real sealing and a real HTTP client, before a scripted dispatcher. */
export async function startGateway(folder: string, options: GatewayOptions = {}) {
    const dispatcher = await ScriptedDispatcher.start();
    const client = new DispatcherClient(dispatcher.url);
    const nodes: TestNode[] = [];
    for (let index = 0; index < (options.nodes ?? 1); index++)
        nodes.push(await trustedNode(`gateway ${index}`, dispatcher.url));
    const clock = new ManualClock(nowMs);
    const ledger = new GatewayLedger({ file: options.ledgerFile ?? path.join(folder, `${Math.random()}.sqlite`) });
    const banned: string[] = [];
    const avoided: string[] = [];
    const left: string[] = [];
    const directory = {
        trusted: nodes,
        // Of the nodes as they are now: tests change them.
        offers: (model: string, capability: string) => new PickIndex(nodes).offers(model, capability),
        isUsable: () => true,
        waysTo: ({ dispatcherUrl: way }: { dispatcherUrl: string }) => [way],
        whyUnused: () => null,
        notBegun: () => undefined,
        leaveDispatcher: (url: string) => void left.push(url),
        problem: '',
        evidence: new Map(),
        ban: (id: string) => void banned.push(id),
        avoid: (id: string) => void avoided.push(id),
    };
    const read = options.read ?? (async () => account({ balanceNano: 10n ** 9n }));
    const service = new GatewayService({
        network,
        hubs: oneHub({ hub: hubAddress, escrow, book: new EscrowBook({ read, clock }) }),
        session,
        ledger,
        directory: directory as unknown as NodeDirectory,
        dispatchers: new Map([[dispatcher.url, client]]),
        maxOutputPriceNano: undefined,
        requestTimeoutMs: 60_000,
        clock,
        logger: silentLogger(),
    });
    const idempotency = new IdempotencyBook({
        ledger,
        keys: new IdempotencyKeys(Buffer.alloc(32, 7)),
        clock,
        logger: silentLogger(),
    });
    const settles = { possible: true };
    const recovery = new Recovery({
        network,
        ledger,
        dispatchers: () => [client],
        clock,
        logger: silentLogger(),
        unknownAfterMs: 60_000,
        canStillSettle: () => Promise.resolve(settles.possible),
    });
    endings.push(
        () => ledger.close(),
        () => client.close(),
        () => dispatcher.stop(),
    );
    return {
        dispatcher,
        nodes,
        clock,
        ledger,
        directory,
        banned,
        avoided,
        left,
        service,
        idempotency,
        recovery,
        settles,
    };
}

export async function startServer(folder: string, options: GatewayOptions = {}) {
    const parts = await startGateway(folder, options);
    const keysFile = writeKeys(folder, options.apiKeys);
    const server = createGatewayServer({
        service: parts.service,
        idempotency: parts.idempotency,
        logger: silentLogger(),
        maxBodyBytes: options.maxBodyBytes ?? 100_000,
        apiKeys: keysFile === null ? null : new ApiKeys(keysFile, { clock: parts.clock, logger: silentLogger() }),
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    endings.push(() => server.close());
    return { ...parts, url, keysFile: keysFile ?? '' };
}

function writeKeys(folder: string, keys: GatewayOptions['apiKeys'] = null): string | null {
    if (keys === null) return null;
    const file = path.join(folder, `${Math.random()}.keys`);
    writeFileSync(file, typeof keys === 'string' ? keys : keys.join('\n'), { mode: 0o600 });
    return file;
}

export function question(fields: object = {}, overrides: Partial<Question> = {}): Question {
    const body = { model: 'toy', messages: [{ role: 'user', content: 'hello' }], max_tokens: 10, ...fields };
    return {
        path: '/v1/chat/completions',
        body: Buffer.from(JSON.stringify(body)),
        accept: '*/*',
        signal: new AbortController().signal,
        ...overrides,
    };
}
