import { GatewayError } from '../../../keepers/gateway/errors';
import { temporaryFolder } from '../ledger/temporary-folder';
import { question } from '../gateway/gateway-fixture';
import { chunk, end, head, type Script } from '../node/node-fixture';
import { startWindowed } from './windowed-network';

const folder = temporaryFolder();
/** Tokens that a window adds; a token costs one nanoTON here. */
const window = 1024n;
const long = question({ stream: true, max_tokens: 50_000 });

/** An answer of that many tokens, 64 in each chunk. */
const telling = (tokens: number, after: () => Promise<void> = async () => undefined): Script =>
    async function* () {
        yield head;
        for (let told = 64; told <= tokens; told += 64) {
            yield chunk('x'.repeat(64), told);
            await after();
        }
        yield end(tokens);
    };

type Network = Awaited<ReturnType<typeof startWindowed>>;

async function tell({ gateway }: Network, asked = long): Promise<{ body: string; error?: GatewayError }> {
    const answer = await gateway.ask(asked);
    let body = '';
    try {
        for await (const bytes of answer.body) body += bytes.toString();
        await answer.settled;
        return { body };
    } catch (error) {
        return { body, error: error as GatewayError };
    }
}

test('a small escrow pays for a long answer asked with a large max_tokens: its cap grows window by window', async () => {
    const network = await startWindowed(folder, { balanceNano: 9_000n, script: telling(6_400) });
    const told = await tell(network);
    expect(told.error).toBeUndefined();
    expect(told.body).toHaveLength(6_400);
    const { gateway, dispatch } = network.ledgers;
    expect(gateway.totals()).toMatchObject({ costNano: 6_410n, openNano: 0n, requests: { final: 1 } });
    const [request] = gateway.list({ limit: 1 });
    expect(request!.windowNano).toBe(request!.worstCaseNano);
    expect(request!.worstCaseNano).toBeLessThan(6_410n + 2n * window);
    const [settleable] = await dispatch.settleable();
    expect(settleable!.cap.capCumulativeNano).toBe(request!.capCumulativeNano);
    expect(settleable!.receipt.cumulativeNano).toBe(6_410n);
});

test('where a node cannot count on the way, the whole worst case is reserved: the small escrow is told so', async () => {
    const capabilities = ['chat.completions'];
    const network = await startWindowed(folder, { balanceNano: 9_000n, script: telling(64), capabilities });
    await expect(network.gateway.ask(long)).rejects.toMatchObject({ code: 'escrow_insufficient' });
});

test('an escrow that cannot cover the next window ends the answer with a reason, paid for what was delivered', async () => {
    const balanceNano = 4_000n;
    const network = await startWindowed(folder, { balanceNano, script: telling(9_984), raiseTimeoutMs: 300 });
    const { body, error } = await tell(network);
    expect(error?.status).toBe(402);
    expect(error?.toJSON().error.code).toBe('cap_not_raised');
    const { costNano, openNano } = network.ledgers.gateway.totals();
    expect(costNano).toBe(BigInt(body.length) + 10n);
    expect(costNano).toBeLessThanOrEqual(balanceNano);
    expect(body.length).toBeGreaterThan(1_024);
    expect(openNano).toBe(0n);
});

test('a top-up while the answer stands still lets it go on', async () => {
    const script = telling(6_400);
    const network = await startWindowed(folder, { balanceNano: 4_000n, script, raiseTimeoutMs: 5_000 });
    setTimeout(() => (network.funds.balanceNano = 20_000n), 200);
    expect((await tell(network)).body).toHaveLength(6_400);
});

test('raises that never arrive: the node works within its first window and no further', async () => {
    const network = await startWindowed(folder, { balanceNano: 99_000n, script: telling(6_400), raiseTimeoutMs: 200 });
    network.client.raise = () => Promise.reject(new Error('dropped on the way'));
    const { body, error } = await tell(network);
    expect(error?.toJSON().error.code).toBe('cap_not_raised');
    const [request] = network.ledgers.gateway.list({ limit: 1 });
    expect(body.length).toBeLessThan(4_096);
    expect(request!.final!.receipt.costNano).toBe(BigInt(body.length) + 10n);
});

test('answers side by side share the account, each within its own windows', async () => {
    const network = await startWindowed(folder, { balanceNano: 30_000n, script: telling(5_120) });
    const told = await Promise.all([tell(network), tell(network), tell(network)]);
    for (const { body, error } of told) expect([error, body.length]).toEqual([undefined, 5_120]);
    expect(network.ledgers.gateway.totals()).toMatchObject({ costNano: 3n * 5_130n, openNano: 0n });
    expect((await network.ledgers.dispatch.latestReceipt(streamOf(network)))!.receipt.cumulativeNano).toBe(15_390n);
});

function streamOf({ ledgers }: Network) {
    const { escrow, epoch, nodeKey } = ledgers.gateway.list({ limit: 1 })[0]!;
    return { escrow, epoch, nodeKey };
}
