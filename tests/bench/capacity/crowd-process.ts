/** Ten thousand nodes that dial the dispatcher named in the first argument, and stay. Says so to its parent. */
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { systemClock } from '../../../keepers/base';
import { issueOffer, KemKeyring, signHello } from '../../../keepers/confidential';
import { encodeJsonMessage, linkOperation } from '../../../keepers/dispatch';
import { encodeKeyBundle } from '../../../wrappers';
import { digestOf, hub, network, nodeSigner } from './places';
import { nodeCount, quoteBytes } from './size';

/** Dials under way at once: as many nodes as find out at the same moment that their dispatcher is back. */
const dialsAtOnce = 256;
const nowSec = Math.floor(Date.now() / 1000);

async function helloOf(index: number) {
    const signer = nodeSigner(index);
    const keyring = new KemKeyring({ network, signer, clock: systemClock, suites: [2] });
    await keyring.tick();
    const [kem] = keyring.certificates();
    keyring.close();
    const prices = { inputNano: 1n, cachedInputNano: 1n, outputNano: 2n, reasoningNano: 2n };
    const model = {
        model: 'toy',
        modelRoot: digestOf('model'),
        contextLength: 4096,
        capabilities: ['chat.completions'],
    };
    const offer = issueOffer(
        {
            network,
            issuedAtSec: nowSec - 5,
            expiresAtSec: nowSec + 3_000,
            maxConcurrency: 8,
            models: [{ ...model, ...prices }],
        },
        signer,
    );
    return { signer, fields: helloFields(index, kem!.signed, offer.signed) };
}

function helloFields(index: number, kem: Buffer, offer: Buffer) {
    const bundle = encodeKeyBundle({
        network,
        provider: digestOf(`provider ${index}`),
        role: 1,
        suite: 1,
        signingKey: nodeSigner(index).publicKey,
        imageId: digestOf('image'),
        modelRoot: digestOf('model'),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: digestOf('block'),
        notAfter: nowSec + 3_600,
    });
    return {
        nodeKey: nodeSigner(index).publicKey.toString('hex'),
        bundle: bundle.toString('base64'),
        quote: randomBytes(quoteBytes).toString('base64'),
        collateral: null,
        kemCertificates: [kem.toString('base64')],
        offer: offer.toString('base64'),
    };
}

type Ready = Awaited<ReturnType<typeof helloOf>>;

async function connect(url: string, { signer, fields }: Ready): Promise<void> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/nodes/connect`, { perMessageDeflate: false });
    socket.on('close', (code, reason) => process.send?.({ lost: `${code} ${reason.toString()}` }));
    const [message] = (await once(socket, 'message')) as [Buffer];
    const { challenge } = JSON.parse(message.subarray(1).toString()) as { challenge: string };
    const signature = signHello({ network, hub, challenge: Buffer.from(challenge, 'hex') }, signer);
    socket.send(encodeJsonMessage(linkOperation.hello, { ...fields, signature: signature.toString('base64') }));
}

async function main(): Promise<void> {
    const waiting: Ready[] = [];
    for (let index = 0; index < nodeCount; index++) waiting.push(await helloOf(index));
    process.send!({ ready: true });
    const [{ url }] = (await once(process, 'message')) as [{ url: string }];
    const dialler = async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await connect(url, next);
    };
    await Promise.all(Array.from({ length: dialsAtOnce }, dialler));
}

void main();
