import { OpenAI } from 'openai';
import type { Database, GatewayLedger } from '../../../keepers/ledger';
import { Query } from '../../../keepers/ledger/database';
import { usageCostNano } from '../dispatch/sealed-request';
import { requestId, reservation } from '../ledger/ledger-records';
import { temporaryFolder } from '../ledger/temporary-folder';
import { question, startServer } from './gateway-fixture';
import { answering, finalFrame, type Handler, sealerFor } from './scripted-dispatcher';

const folder = temporaryFolder();

/** A gateway on a disk that tests fill to the last page, and give room again. */
async function served() {
    const gateway = await startServer(folder);
    const [node] = gateway.nodes;
    gateway.dispatcher.handlers.set(node!.id, answering(node!));
    const post = (body: Buffer = question().body) =>
        fetch(`${gateway.url}/v1/chat/completions`, {
            method: 'POST',
            body,
            headers: { 'content-type': 'application/json' },
        });
    return { ...gateway, node: node!, post, disk: diskOf(gateway.ledger) };
}

/** SQLite itself finds no page more; what fits into the pages it has is taken up by other requests. */
function diskOf(ledger: GatewayLedger) {
    const { database } = ledger as unknown as { database: Database };
    const pages = () => new Query<{ page_count: bigint }>(database, 'PRAGMA page_count').get()!.page_count;
    return {
        async fill(): Promise<void> {
            database.exec(`PRAGMA max_page_count = ${pages()}`);
            const full = { code: 'ledger_write_failed', action: 'retry' };
            const name = (index: number) => `filler ${index}`;
            await expect(forever((index) => ledger.reserve(reservation(name(index), 0n)))).rejects.toMatchObject(full);
            // Then the gaps that are left in those pages.
            const grow = (index: number) => ledger.fail(requestId(name(index)), 'x'.repeat(40), 0);
            await expect(forever(grow)).rejects.toMatchObject(full);
        },
        free: () => database.exec('PRAGMA max_page_count = 1000000'),
    };
}

async function forever(act: (index: number) => Promise<unknown>): Promise<void> {
    for (let index = 0; ; index++) await act(index);
}

/** Answers once `release` is called. */
function held(node: Parameters<typeof answering>[0], contentType: string, text: string) {
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const handler: Handler = async (envelope, response) => {
        const sealer = await sealerFor(node, envelope);
        response.write(sealer.start());
        response.write(sealer.head({ status: 200, headers: { 'content-type': contentType } }));
        response.write(sealer.body(Buffer.from(text)));
        await released;
        response.end(finalFrame(node, sealer).wire);
    };
    return { handler, release };
}

test('what cannot be written down is not asked: 503, its code and when to try again; then it serves as before', async () => {
    const { post, disk, dispatcher, ledger } = await served();
    await disk.fill();
    const refused = await post();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const { error } = (await refused.json()) as { error: object };
    expect(error).toMatchObject({ code: 'ledger_unavailable', type: 'server_error', param: null });
    expect(dispatcher.asked).toEqual([]);
    expect(ledger.totals().requests.sent).toBe(0);
    disk.free();
    expect((await post()).status).toBe(200);
    expect(ledger.totals()).toMatchObject({ requests: { final: 1 }, costNano: usageCostNano });
});

test('OpenAI’s client waits out a full disk by its own retries', async () => {
    const { url, disk } = await served();
    await disk.fill();
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 1 });
    setTimeout(() => disk.free(), 1_000);
    const answer = await openai.chat.completions.create({ model: 'toy', messages: [], max_tokens: 10 });
    expect(answer).toMatchObject({ ok: true });
});

test('an answer whose receipt finds no room is not handed out; the receipt is written with its usage once there is', async () => {
    const { post, disk, dispatcher, node, ledger, service, clock, recovery } = await served();
    const { handler, release } = held(node, 'application/json', '{"ok":true}');
    dispatcher.handlers.set(node.id, handler);
    const asked = post();
    while (dispatcher.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await disk.fill();
    release();
    const refused = await asked;
    const id = Buffer.from(refused.headers.get('x-cocoon-receipt')!, 'hex');
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([503, 'false']);
    expect(((await refused.json()) as { error: object }).error).toMatchObject({ code: 'ledger_unavailable' });
    // It holds its reservation meanwhile, also when the recovery looks for it.
    clock.advance(3_600_000);
    await service.retryClosings();
    await recovery.recoverAll();
    expect(ledger.request(id)).toMatchObject({ state: 'sent', final: null });
    disk.free();
    await service.retryClosings();
    const { state, final } = ledger.request(id)!;
    expect(state).toBe('final');
    expect(final!.receipt.costNano).toBe(usageCostNano);
    expect(final!.usage).not.toBeNull();
});

test('a stream whose receipt finds no room ends in the error, not in [DONE]', async () => {
    const { post, disk, dispatcher, node } = await served();
    const { handler, release } = held(node, 'text/event-stream', 'data: 1\n\ndata: [DONE]\n\n');
    dispatcher.handlers.set(node.id, handler);
    const answer = await post(question({ stream: true }).body);
    await disk.fill();
    release();
    const text = await answer.text();
    expect(text).toContain('data: 1\n\n');
    expect(text).toContain('"code":"ledger_unavailable"');
    expect(text).not.toContain('[DONE]');
});
