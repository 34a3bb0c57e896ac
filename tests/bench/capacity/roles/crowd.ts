/** Ten thousand nodes in one process: they dial the dispatcher, say hello and ping as nodes do. */
import { randomBytes } from 'node:crypto';
import { issueKemCertificate, issueOffer, type Signer, signHello } from '../../../../keepers/confidential';
import { suiteSizes } from '../../../../keepers/confidential/hpke';
import { encodeJsonMessage, linkOperation } from '../../../../keepers/dispatch';
import { pingIntervalMs } from '../../../../keepers/dispatch/link-messages';
import { encodeKeyBundle } from '../../../../wrappers';
import { serveRole } from '../../gateway/serve-role';
import { NodeSocket } from '../node-socket';
import { digestOf, hub, network, nodeSigner } from '../places';
import { quoteBytes } from '../size';

/** Dials under way at once: as many nodes as find out at the same moment that their dispatcher is back. */
const dialsAtOnce = 256;
const suite = 1;

/** What a node says once it is asked: all but the signature over the challenge is there beforehand. */
interface Waiting {
    signer: Signer;
    hello: object;
}

let waiting: Waiting[] = [];
const connected: NodeSocket[] = [];
const lost: string[] = [];

/** Keys, certificates and offers of all; a KEM key is noise of the right length, for only a gateway would use it. */
function prepare({ nodes }: { nodes: number }): void {
    const nowSec = Math.floor(Date.now() / 1000);
    waiting = Array.from({ length: nodes }, (_unused, index) => waitingNode(index, nowSec));
}

function waitingNode(index: number, nowSec: number): Waiting {
    const signer = nodeSigner(index);
    const publicKey = randomBytes(suiteSizes[suite].publicKeyBytes);
    const validity = { notBeforeSec: nowSec - 5, notAfterSec: nowSec + 3_600 };
    const kem = issueKemCertificate({ suite, network, kemEpoch: 1, ...validity, publicKey }, signer);
    const hello = {
        nodeKey: signer.publicKey.toString('hex'),
        bundle: bundleOf(index, signer, nowSec).toString('base64'),
        quote: randomBytes(quoteBytes).toString('base64'),
        collateral: null,
        kemCertificates: [kem.signed.toString('base64')],
        offer: offerOf(signer, nowSec).toString('base64'),
    };
    return { signer, hello };
}

function offerOf(signer: Signer, nowSec: number): Buffer {
    const prices = { inputNano: 1n, cachedInputNano: 1n, outputNano: 2n, reasoningNano: 2n };
    const terms = { modelRoot: digestOf('model'), contextLength: 4096, capabilities: ['chat.completions'] };
    const models = [{ model: 'toy', ...terms, ...prices }];
    const validity = { issuedAtSec: nowSec - 5, expiresAtSec: nowSec + 3_000 };
    return issueOffer({ network, ...validity, maxConcurrency: 8, models }, signer).signed;
}

function bundleOf(index: number, signer: Signer, nowSec: number): Buffer {
    return encodeKeyBundle({
        network,
        provider: digestOf(`provider ${index}`),
        role: 1,
        suite: 1,
        signingKey: signer.publicKey,
        imageId: digestOf('image'),
        modelRoot: digestOf('model'),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: digestOf('block'),
        notAfter: nowSec + 3_600,
    });
}

/** All of them, some at once; resolves when the last has said its hello. */
async function dialAll({ url }: { url: string }): Promise<void> {
    const target = new URL('/v1/nodes/connect', url);
    const dialler = async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await greet(target, next);
    };
    await Promise.all(Array.from({ length: dialsAtOnce }, dialler));
}

function greet(url: URL, { signer, hello }: Waiting): Promise<void> {
    return new Promise((resolve) => {
        const closed = (reason: string) => void lost.push(reason);
        const socket = NodeSocket.dial(url, { message: (payload) => answer(payload), closed });
        const answer = (payload: Buffer) => {
            if (payload[0] !== linkOperation.challenge) return;
            const { challenge } = JSON.parse(payload.subarray(1).toString('utf8')) as { challenge: string };
            const signature = signHello({ network, hub, challenge: Buffer.from(challenge, 'hex') }, signer);
            socket.send(encodeJsonMessage(linkOperation.hello, { ...hello, signature: signature.toString('base64') }));
            connected.push(socket);
            setInterval(() => socket.ping(), pingIntervalMs);
            resolve();
        };
    });
}

serveRole({ prepare, dialAll, lost: () => ({ count: lost.length, first: lost[0] }) });
