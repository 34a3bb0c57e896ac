import { once } from 'node:events';
import { WebSocket } from 'ws';
import { systemClock } from '../../../../keepers/base';
import {
    AnswerSealer,
    bindingOfEnvelope,
    costNano,
    KemKeyring,
    parseEnvelope,
    type ParsedEnvelope,
    signHello,
} from '../../../../keepers/confidential';
import { encodeJsonMessage, linkOperation, LinkWriter, messagesIn, operationByte } from '../../../../keepers/dispatch';
import { Coalescer } from '../../../../keepers/node/coalescer';
import { gatherMs } from '../../../../keepers/node/dispatcher-link';
import { OfferBook } from '../../../../keepers/node/offers';
import * as bench from '../bench-network';
import { type AnswerShape, lastEvents, promptTokens, sayEvents, wholeAnswer } from '../engine-events';
import { contentKeyOf } from '../sealed-requests';
import { serveRole } from '../serve-role';

/** A node without an engine: says what the round asks for over the real link, sealed and signed as a node does. */
const { network, hub, node } = bench;
let shape: AnswerShape = { events: 0, intervalMs: 0 };
let socket: WebSocket;
let writer: LinkWriter;

const offers = new OfferBook({ ...bench, signer: node, clock: systemClock });

function usageOf(events: number) {
    return { promptTokens, cachedPromptTokens: 0, completionTokens: events || 64, reasoningTokens: 0 };
}

const costOf = (events: number) => costNano(offers.current.models[0]!, usageOf(events));

function answer(envelope: ParsedEnvelope): void {
    const { requestId } = envelope.context;
    const asked = shape;
    const send = (wire: Buffer, when: 'now' | 'soon' = 'now') =>
        writer.post([operationByte('frames'), requestId, wire], when);
    const cek = contentKeyOf(requestId);
    const sealer = new AnswerSealer({ to: bindingOfEnvelope(envelope), cek, modelIndex: 0, signer: node });
    let begun = false;
    const coalescer = new Coalescer((batch) => {
        send(sealer.body(batch), begun ? 'soon' : 'now');
        begun = true;
    });
    const end = (data: Buffer) => {
        coalescer.add(data);
        coalescer.flush();
        const nano = costOf(asked.events);
        send(sealer.final(usageOf(asked.events), { sequence: 1, costNano: nano, cumulativeNano: nano }).wire);
    };
    send(sealer.start());
    send(sealer.head({ status: 200, headers: { 'content-type': 'text/event-stream' } }));
    if (asked.events === 0) return end(wholeAnswer);
    sayEvents(
        asked,
        (event) => coalescer.add(event),
        () => end(lastEvents(asked.events)),
    );
}

async function start({ dispatcherUrl }: { dispatcherUrl: string }) {
    const keyring = new KemKeyring({ network, signer: node, clock: systemClock });
    await keyring.tick();
    offers.renewIfDue();
    socket = new WebSocket(`${dispatcherUrl.replace('http', 'ws')}/v1/nodes/connect`, { perMessageDeflate: false });
    writer = new LinkWriter(socket, { gatherMs });
    const [challenge] = (await once(socket, 'message')) as [Buffer];
    const { challenge: hex } = JSON.parse(challenge.subarray(1).toString()) as { challenge: string };
    socket.on('message', (data: Buffer) => {
        for (const message of messagesIn(data)!)
            if (message[0] === linkOperation.request) answer(parseEnvelope(message.subarray(1)));
    });
    const hello = {
        nodeKey: node.publicKey.toString('hex'),
        bundle: bench.keyBundle().toString('base64'),
        quote: Buffer.from('quote').toString('base64'),
        collateral: null,
        kemCertificates: keyring.certificates().map(({ signed }) => signed.toString('base64')),
        offer: offers.current.signed.toString('base64'),
        signature: signHello({ network, hub, challenge: Buffer.from(hex, 'hex') }, node).toString('base64'),
    };
    socket.send(encodeJsonMessage(linkOperation.hello, hello));
    await untilConnected(dispatcherUrl);
    return { url: dispatcherUrl, offerHash: offers.current.hash };
}

async function untilConnected(url: string): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
        const { nodes } = (await (await fetch(`${url}/readyz`)).json()) as { nodes: number };
        if (nodes > 0) return;
        await systemClock.sleep(50);
    }
    throw new Error('the dispatcher does not take the node');
}

serveRole({ start, shape: (next: AnswerShape) => void (shape = next) });
