import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runPrices } from '../../../keepers/cli/prices-command';
import { runReceipts, type ReceiptsOptions } from '../../../keepers/cli/receipts-command';
import { runVerifyReceipt } from '../../../keepers/cli/verify-receipt-command';
import { usageCostNano } from '../dispatch/sealed-request';
import { question, startServer } from '../gateway/gateway-fixture';
import { answering } from '../gateway/scripted-dispatcher';
import { temporaryFolder } from '../ledger/temporary-folder';
import { startWindowed } from '../windows/windowed-network';
import { chunk, end, head } from '../node/node-fixture';

const folder = temporaryFolder();

async function answered(times: number) {
    const gateway = await startServer(folder);
    gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, answering(gateway.nodes[0]!));
    for (let asked = 0; asked < times; asked++) {
        const answer = await gateway.service.ask(question());
        await answer.wholeBody();
        await answer.settled;
    }
    const receipts = (options: Partial<ReceiptsOptions> = {}) =>
        runReceipts({ url: gateway.url, format: 'text', ...options });
    return { ...gateway, receipts };
}

function judged(value: object): ReturnType<typeof runVerifyReceipt> {
    const file = path.join(folder, `${Math.random()}.json`);
    writeFileSync(file, JSON.stringify(value));
    return runVerifyReceipt(file, { json: true });
}

type Shown = Record<string, unknown> & { receipt: Record<string, unknown> & { usage: object } };

test('receipts are listed with their total, exported as JSON lines and CSV, and all hold offline', async () => {
    const { receipts } = await answered(3);
    expect((await receipts()).output).toContain(`3 requests, 3 with a receipt, ${3n * usageCostNano} nanoTON`);
    const { output } = await receipts({ format: 'jsonl' });
    const file = path.join(folder, 'export.jsonl');
    writeFileSync(file, `${output}\n`);
    const verdict = runVerifyReceipt(file, {});
    expect([verdict.exitCode, verdict.output.match(/accepted/g)?.length]).toEqual([0, 3]);
    expect((await receipts({ verify: true })).exitCode).toBe(0);
    const csv = (await receipts({ format: 'csv' })).output.split('\n');
    expect(csv).toHaveLength(4);
    expect(csv[1]!.endsWith(`,10,5,${usageCostNano}`)).toBe(true);
});

test('only what is asked for: by model, by time, by key', async () => {
    const { receipts } = await answered(1);
    for (const none of [{ model: 'other' }, { from: '2999-01-01' }, { to: '2000-01-01' }, { key: 'ci' }])
        expect((await receipts(none)).output).toContain('0 requests');
    expect((await receipts({ model: 'toy', from: '2000-01-01' })).output).toContain('1 requests');
});

test('pages follow one another until there is no more', async () => {
    const { url } = await answered(3);
    const page = async (query: string) =>
        (await (await fetch(`${url}/cocoon/receipts?${query}`)).json()) as { receipts: Shown[]; next: string | null };
    const first = await page('limit=2');
    const second = await page(`limit=2&before=${first.next}`);
    expect([first.receipts.length, second.receipts.length, second.next]).toEqual([2, 1, null]);
    expect((await fetch(`${url}/cocoon/receipts?limit=0`)).status).toBe(400);
});

describe('a receipt is judged by itself', () => {
    let shown: Shown;
    beforeAll(async () => {
        const { receipts } = await answered(1);
        shown = JSON.parse((await receipts({ format: 'jsonl' })).output) as Shown;
    });
    const zeros = '0'.repeat(64);

    test.each<[string, string, (good: Shown) => object]>([
        ['a cost changed', 'nodeSignature', (good) => ({ receipt: { ...good.receipt, costNano: '1' } })],
        [
            'a signature changed',
            'nodeSignature',
            (good) => ({ receipt: { ...good.receipt, signature: `${zeros}${zeros}` } }),
        ],
        ['another transcript', 'reference', (good) => ({ receipt: { ...good.receipt, transcriptHash: zeros } })],
        [
            'another usage',
            'usage',
            (good) => ({ receipt: { ...good.receipt, usage: { ...good.receipt.usage, promptTokens: 9 } } }),
        ],
        ['an offer of somebody else', 'offer', () => ({ offer: Buffer.from('no offer').toString('base64') })],
        ['another model', 'cost', () => ({ model: 'other' })],
        ['more than was set aside', 'cost', () => ({ worstCaseNano: '1' })],
        ['another cap', 'cap', () => ({ capCumulativeNano: '1' })],
    ])('%s: rejected, by the check of %s', (_what, check, change) => {
        const { exitCode, output } = judged({ ...shown, ...change(shown) });
        expect(exitCode).toBe(1);
        expect((JSON.parse(output) as { checks: Record<string, string> }).checks[check]).toBe('wrong');
    });

    test('without its usage or offer it is incomplete, which is neither yes nor no', () => {
        expect(judged({ ...shown, receipt: { ...shown.receipt, usage: null } }).exitCode).toBe(2);
        expect(judged({ ...shown, offer: null }).exitCode).toBe(2);
    });

    test('what is no receipt is unusable', () => {
        expect(() => judged({ ...shown, receipt: null })).toThrow('no whole receipt: receipt');
        expect(() => runVerifyReceipt(path.join(folder, 'missing'), {})).toThrow('missing');
    });
});

test('a receipt under a raised cap holds offline too', async () => {
    const network = await startWindowed(folder, {
        balanceNano: 50_000n,
        script: async function* () {
            yield head;
            for (let told = 64; told <= 5_120; told += 64) yield chunk('x', told);
            yield end(5_120);
        },
    });
    const answer = await network.gateway.ask(question({ stream: true, max_tokens: 50_000 }));
    await answer.wholeBody();
    const [shown] = network.gateway.view.receipts({ limit: 1 }).receipts as Shown[];
    expect(shown!.windowNano).not.toBeNull();
    expect(judged(shown!).exitCode).toBe(0);
    expect(judged({ ...shown, windowNano: null }).exitCode).toBe(1);
});

test('prices stand side by side, cheapest first, with what is free', async () => {
    const { url } = await startServer(folder);
    const { output } = await runPrices({ url });
    expect(output.split('\n')[0]).toMatch(/^model +input +cached +output +reasoning +nodes +free slots$/);
    expect(output.split('\n')[1]).toMatch(/^other/);
    expect(output).toMatch(/toy +30000000 +10000000 +90000001 +95000000 +1 +4/);
    const listed = JSON.parse((await runPrices({ url, json: true })).output) as { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual(['other', 'toy']);
    await expect(runPrices({ url: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'gateway_unreadable' });
});
