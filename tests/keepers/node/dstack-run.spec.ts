import { createHash } from 'node:crypto';
import {
    CollateralService,
    createDevelopmentPki,
    PcsClient,
    type PcsServer,
    startPcsServer,
} from '../../../keepers/attestation';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { AnswerOpener, type AnswerEvent, binding, costNano, withLiveCap } from '../../../keepers/confidential';
import { DstackEngine } from '../../../keepers/node/engine';
import { RequestRun } from '../../../keepers/node/request-run';
import { modelIndex, offer } from '../confidential/exchange';
import { hub, keyringOf, node, nowMs, sealRequest, session } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { gpuPki, manifest, startDstackServer } from './engine/dstack-server';
import { gateOf, openLog } from './node-fixture';

const folder = temporaryFolder();
const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 31), now: new Date() });
const zeros = '00'.repeat(48);
const capNano = 1_000_000_000n;
const counted = { promptTokens: 7, cachedPromptTokens: 0, completionTokens: 3, reasoningTokens: 0 };

let pcs: PcsServer;
let server: Awaited<ReturnType<typeof startDstackServer>>;
let engine: DstackEngine;

beforeAll(async () => {
    pcs = await startPcsServer({ pki });
    server = await startDstackServer(() => pki);
    engine = new DstackEngine({
        baseUrl: server.baseUrl,
        collateral: new CollateralService({ client: new PcsClient({ baseUrl: pcs.url }) }),
        rootPublicKey: pki.rootPublicKey,
        gpuRootPublicKey: gpuPki.rootPublicKey,
        os: [{ mrtd: zeros, rtmr0: zeros, rtmr1: zeros, rtmr2: zeros }],
        composeHashes: [createHash('sha256').update(manifest).digest('hex')],
        minGpus: 1,
    });
});

afterAll(async () => {
    await engine.close();
    await server.stop();
    await pcs.close();
});

/** One sealed request through the node and the engine behind it; what the gateway reads. */
async function answerTo(fields: object): Promise<AnswerEvent[]> {
    const keyring = await keyringOf(node);
    const { gate } = await gateOf({ keyring });
    const body = Buffer.from(JSON.stringify({ model: 'toy', max_tokens: 2000, ...fields }));
    const sealed = await sealRequest({ name: `run ${Math.random()}`, keyring, capNano, body });
    const request = await gate.admit(sealed.envelope, hub);
    const { log } = await openLog(folder);
    const wires: Buffer[] = [];
    const options = { request, engine, signer: node, log, logger: silentLogger(), clock: new ManualClock(nowMs) };
    await new RequestRun({ ...options, send: (bytes) => wires.push(bytes) }).run(new AbortController().signal);
    await log.close();
    const { context, requestHash } = sealed.envelope;
    const to = binding(context, { requestHash, sessionKey: session.publicKey, capCumulativeNano: capNano });
    const opener = new AnswerOpener({ to: withLiveCap(to, () => capNano), cek: sealed.cek, offer, modelIndex });
    return opener.push(Buffer.concat(wires));
}

describe.each([{ stream: false }, { stream: true }])('an answer of a dstack engine, stream $stream', ({ stream }) => {
    const kinds = (events: AnswerEvent[]) => events.map(({ type }) => type);

    test('is charged for what it used when the engine signed it', async () => {
        server.misbehave({});
        const events = await answerTo({ stream });
        expect(kinds(events)).toEqual(['start', 'head', 'body', 'final']);
        const receipt = { costNano: costNano(offer.models[modelIndex]!, counted) };
        expect(events.at(-1)).toMatchObject({ usage: counted, receipt: { receipt } });
    });

    test('fails before its final receipt, which is over nothing, when the engine did not', async () => {
        server.misbehave({ answer: (body) => body.replace('dich', 'mich') });
        const events = await answerTo({ stream });
        expect(kinds(events)).toEqual(
            stream ? ['start', 'head', 'body', 'error', 'final'] : ['start', 'error', 'final'],
        );
        expect(events.at(-2)).toMatchObject({ status: 502, code: 'answer_unsigned' });
        expect(events.at(-1)).toMatchObject({ receipt: { receipt: { costNano: 0n, cumulativeNano: 0n } } });
    });
});
