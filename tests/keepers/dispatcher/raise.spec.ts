import { ManualClock, silentLogger } from '../../../keepers/base';
import { bindingOfEnvelope, encodeCapRaise, signCapRaise, type Signer } from '../../../keepers/confidential';
import { EscrowBook, linkOperation } from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { stranger } from '../confidential/exchange';
import {
    account,
    hub,
    network,
    nowMs,
    opening,
    sealerOf,
    sealRequest,
    session,
    type SealedRequest,
    usage,
    usageCostNano,
} from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { ScriptedNode } from './scripted-node';
import { openNewLedger } from '../../support/new-ledger';

const folder = temporaryFolder();
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const startNano = 1_000n;

/** A dispatcher with one node, on which one windowed request runs under a cap of `startNano`. */
async function running(name: string, balanceNano = 10_000n) {
    const ledger = await openNewLedger(folder);
    const clock = new ManualClock(nowMs);
    const service = new DispatcherService({
        network,
        hub,
        ledger,
        book: new EscrowBook({ read: async () => account({ balanceNano }), clock }),
        isAdmitted: async () => true,
        queueLimitPerNode: 1,
        clock,
        logger: silentLogger(),
    });
    const server = createDispatcherServer({ service, maxBodyBytes: 1_000_000, logger: silentLogger() });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const node = await ScriptedNode.connect(url);
    while (service.connectedNodes === 0) await pause(2);
    const request = await sealRequest({ name, capNano: startNano, allowanceNano: startNano, windowed: true });
    const answer = fetch(`${url}/v1/requests`, {
        method: 'POST',
        body: new Uint8Array(request.bytes),
        headers: { 'content-type': 'application/octet-stream' },
    });
    answer.catch(() => undefined);
    await node.heard(linkOperation.request);
    endings.push(async () => {
        node.socket.terminate();
        await answer.then((whole) => whole.body?.cancel()).catch(() => undefined);
        await server.close();
        while (service.inFlight > 0) await pause(2);
        await ledger.close();
    });
    return { ledger, url, node, request, answer };
}

function raiseOf({ envelope, requestId }: SealedRequest, allowanceNano: bigint, options: { signer?: Signer } = {}) {
    const cumulativeNano = allowanceNano;
    const signer = options.signer ?? session;
    return signCapRaise(bindingOfEnvelope(envelope), { requestId, allowanceNano, cumulativeNano }, signer);
}

async function post(url: string, request: SealedRequest, raise: Buffer): Promise<string> {
    const answer = await fetch(`${url}/v1/requests/${request.requestId.toString('hex')}/cap`, {
        method: 'POST',
        body: new Uint8Array(raise),
        headers: { 'content-type': 'application/octet-stream' },
    });
    if (answer.status === 204) return 'taken';
    return ((await answer.json()) as { error: { code: string } }).error.code;
}

test('a raise is on disk before the node hears of it, byte for byte', async () => {
    const { ledger, url, node, request } = await running('raise');
    const raise = raiseOf(request, 2_000n);
    const heard = node.heard(linkOperation.raise).then(async (message) => ({
        bytes: message.subarray(16),
        stored: (await ledger.requestState(request.requestId))!.capCumulativeNano,
    }));
    expect(await post(url, request, encodeCapRaise(raise))).toBe('taken');
    expect(await heard).toEqual({ bytes: encodeCapRaise(raise), stored: 2_000n });
});

test('the same raise again changes nothing; an older one is refused, and the cap stays', async () => {
    const { ledger, url, request } = await running('regression');
    const [older, newer] = [raiseOf(request, 2_000n), raiseOf(request, 3_000n)];
    expect(await post(url, request, encodeCapRaise(newer))).toBe('taken');
    expect(await post(url, request, encodeCapRaise(newer))).toBe('taken');
    expect(await post(url, request, encodeCapRaise(older))).toBe('cap_regression');
    expect((await ledger.requestState(request.requestId))!.capCumulativeNano).toBe(3_000n);
    expect(await ledger.outstandingNano(account().escrow, 3, { paidNano: new Map() })).toBe(3_000n);
});

test('a raise of another signer, for another allowance or another request is refused', async () => {
    const { url, request } = await running('forged');
    const raise = raiseOf(request, 2_000n);
    const forged = raiseOf(request, 2_000n, { signer: stranger });
    expect(await post(url, request, encodeCapRaise(forged))).toBe('cap_invalid');
    expect(await post(url, request, encodeCapRaise({ ...raise, allowanceNano: 9_000n }))).toBe('cap_invalid');
    expect(await post(url, request, encodeCapRaise({ ...raise, requestId: Buffer.alloc(16) }))).toBe('request_unknown');
    expect(await post(url, request, Buffer.from('no raise'))).toBe('cap_invalid');
});

test('a raise that the escrow does not cover is refused and reserves nothing', async () => {
    const { ledger, url, request } = await running('uncovered', 2_500n);
    expect(await post(url, request, encodeCapRaise(raiseOf(request, 3_000n)))).toBe('escrow_insufficient');
    expect((await ledger.requestState(request.requestId))!.capCumulativeNano).toBe(startNano);
    expect(await post(url, request, encodeCapRaise(raiseOf(request, 2_000n)))).toBe('taken');
});

test('a node that dies half-way is paid for its last checkpoint, whatever it sent after it', async () => {
    const { ledger, node, request, answer } = await running('half-way');
    const sealer = sealerOf(request, 10n ** 9n);
    const figures = { sequence: 1, costNano: usageCostNano, cumulativeNano: usageCostNano };
    node.frames(request.requestId, opening(sealer));
    node.frames(request.requestId, sealer.checkpoint(usage, figures).wire);
    node.frames(request.requestId, sealer.body(Buffer.from('much more, of which no receipt speaks')));
    const body = (await answer).body!.getReader();
    for (let bytes = 0; bytes < 900;) bytes += ((await body.read()).value as Uint8Array).length;
    node.socket.terminate();
    await expect(
        (async () => {
            while (!(await body.read()).done);
        })(),
    ).rejects.toThrow();
    while ((await ledger.requestState(request.requestId))!.state !== 'lost') await pause(2);
    expect(await ledger.settleable()).toMatchObject([{ receipt: { cumulativeNano: usageCostNano, sequence: 1 } }]);
});
