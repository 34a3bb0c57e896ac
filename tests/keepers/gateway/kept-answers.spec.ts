import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { hashKey } from '../../../keepers/gateway/api-key-file';
import { openDatabase } from '../../../keepers/ledger';
import { temporaryFolder } from '../ledger/temporary-folder';
import { question, startServer } from './gateway-fixture';
import { answering } from './scripted-dispatcher';

const folder = temporaryFolder();
const canary = 'CANARY-ANSWER-51c8';
const byHash = JSON.stringify({ keys: ['sk-one', 'sk-two'].map((key) => ({ name: key, sha256: hashKey(key) })) });
const inClear = JSON.stringify({ keys: [{ name: 'sk-one', key: 'sk-one' }] });

/** A gateway over a ledger that outlives it; only the first one's node answers. */
async function run(ledgerFile: string, apiKeys: string, text?: string) {
    const gateway = await startServer(folder, { ledgerFile, apiKeys });
    const [node] = gateway.nodes;
    if (text !== undefined) gateway.dispatcher.handlers.set(node!.id, answering(node!, text));
    const ask = async (caller = 'sk-one', asked = question()) => {
        const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
            method: 'POST',
            body: asked.body,
            headers: {
                authorization: `Bearer ${caller}`,
                'content-type': 'application/json',
                'idempotency-key': 'order-17',
            },
        });
        return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    return { ...gateway, ask };
}

const newFile = () => path.join(folder, `${Math.random()}.sqlite`);

/** Rows of answers, once the first gateway has written what it will. */
function keptIn(file: string): { sealed: Uint8Array }[] {
    const database = openDatabase({ file });
    const rows = database.prepare('SELECT sealed FROM gateway_answers').all() as { sealed: Uint8Array }[];
    database.close();
    return rows;
}

async function untilKept(file: string): Promise<void> {
    while (keptIn(file).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('after a restart the finished answer is given again: same text, same receipt, nobody is asked or paid', async () => {
    const file = newFile();
    const first = await run(file, byHash, canary);
    const answer = await first.ask();
    expect([answer.status, answer.text]).toEqual([200, canary]);
    await untilKept(file);
    const second = await run(file, byHash);
    const again = await second.ask();
    expect([again.status, again.text, again.headers.get('x-cocoon-replayed')]).toEqual([200, canary, 'true']);
    for (const name of ['content-type', 'x-cocoon-receipt', 'x-cocoon-cost-nanoton'])
        expect(again.headers.get(name)).toBe(answer.headers.get(name));
    expect(second.dispatcher.asked).toEqual([]);
    expect(second.ledger.totals().requests).toMatchObject({ final: 1, sent: 0, lost: 0 });
    const other = await second.ask('sk-one', question({ seed: 1 }));
    expect([other.status, JSON.parse(other.text)]).toMatchObject([422, { error: { code: 'idempotency_key_reused' } }]);
});

test('the disk shows neither answer nor question nor key', async () => {
    const file = newFile();
    const gateway = await run(file, byHash, canary);
    await gateway.ask('sk-one', question({ messages: [{ role: 'user', content: 'CANARY-QUESTION-77ab' }] }));
    await untilKept(file);
    const disk = [file, `${file}-wal`].filter(existsSync).map((one) => readFileSync(one, 'latin1'));
    for (const secret of [canary, 'CANARY-QUESTION', 'order-17', 'sk-one"', 'Bearer'])
        for (const bytes of disk) expect(bytes.includes(secret)).toBe(false);
    // It is there, for whoever brings the key.
    expect(disk.some((bytes) => bytes.includes('gateway_answers'))).toBe(true);
});

test('an altered one is refused as gone, not handed out', async () => {
    const file = newFile();
    await (await run(file, byHash, canary)).ask();
    await untilKept(file);
    const database = openDatabase({ file });
    const [{ sealed }] = keptIn(file) as [{ sealed: Uint8Array }];
    sealed[sealed.length - 1]! ^= 1;
    database.prepare('UPDATE gateway_answers SET sealed = ?').run(sealed);
    database.close();
    const { status, headers, text } = await (await run(file, byHash)).ask();
    expect([status, headers.get('x-should-retry')]).toEqual([410, 'false']);
    expect(text).not.toContain('CANARY');
});

test('where the API key itself stands on the disk no answer is kept there: 410, which names the receipt', async () => {
    const file = newFile();
    const first = await run(file, inClear, canary);
    const receipt = (await first.ask()).headers.get('x-cocoon-receipt')!;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(keptIn(file)).toEqual([]);
    const { status, text } = await (await run(file, inClear)).ask();
    expect([status, JSON.parse(text)]).toMatchObject([410, { error: { code: 'idempotency_answer_gone' } }]);
    expect(text).toContain(receipt);
});
