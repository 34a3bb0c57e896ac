import { once } from 'node:events';
import { WebSocket } from 'ws';
import { issueOffer, parseEnvelope, type ParsedEnvelope, signHello, type Signer } from '../../../keepers/confidential';
import { encodeRequestMessage, linkOperation, messagesIn } from '../../../keepers/dispatch';
import { encodeKeyBundle } from '../../../wrappers';
import { bytesOf, offerFields } from '../confidential/exchange';
import { hub, keyringOf, network, node, nowMs } from '../dispatch/sealed-request';

export interface NodeMessage {
    operation: number;
    rest: Buffer;
}

/** A node that speaks the real protocol and does what the test has it do. */
export class ScriptedNode {
    readonly messages: NodeMessage[] = [];
    onRequest: (envelope: ParsedEnvelope) => void = () => undefined;

    private constructor(readonly socket: WebSocket) {}

    /** Dials; resolves when the hello is sent, or rejects when the connection ends first. */
    static async connect(
        url: string,
        options: {
            signer?: Signer;
            hello?: object;
            atOnce?: Buffer;
            maxConcurrency?: number;
            /** The hello's text as it is sent. */
            spell?: (hello: string) => string;
        } = {},
    ) {
        const { signer = node } = options;
        const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/nodes/connect`);
        const scripted = new ScriptedNode(socket);
        const [challenge] = (await once(socket, 'message')) as [Buffer];
        socket.on('message', (data: Buffer) => scripted.receive(data));
        const { challenge: hex } = JSON.parse(challenge.subarray(1).toString()) as { challenge: string };
        const signature = signHello({ network, hub, challenge: Buffer.from(hex, 'hex') }, signer);
        const hello = {
            nodeKey: signer.publicKey.toString('hex'),
            bundle: bundleOf(signer).toString('base64'),
            quote: 'cXVvdGU=',
            collateral: null,
            ...(await termsOf(signer, options.maxConcurrency)),
            signature: signature.toString('base64'),
            ...options.hello,
        };
        const { spell = (text: string) => text } = options;
        socket.send(Buffer.from(`${String.fromCharCode(linkOperation.hello)}${spell(JSON.stringify(hello))}`));
        if (options.atOnce) socket.send(options.atOnce);
        return scripted;
    }

    frames(requestId: Buffer, wire: Buffer): void {
        this.socket.send(encodeRequestMessage(linkOperation.frames, requestId, wire));
    }

    refuse(requestId: Buffer, code: string): void {
        const refusal = Buffer.from(JSON.stringify({ code, message: 'no' }));
        this.socket.send(encodeRequestMessage(linkOperation.refuse, requestId, refusal));
    }

    /** Resolves with the next message of that operation, also one that came before. */
    async heard(operation: number): Promise<Buffer> {
        for (;;) {
            const index = this.messages.findIndex((message) => message.operation === operation);
            if (index >= 0) return this.messages.splice(index, 1)[0]!.rest;
            await once(this.socket, 'message');
        }
    }

    async closed(): Promise<string> {
        const [, reason] = (await once(this.socket, 'close')) as [number, Buffer];
        return reason.toString();
    }

    private receive(data: Buffer): void {
        for (const message of messagesIn(data)!) {
            this.messages.push({ operation: message[0]!, rest: message.subarray(1) });
            if (message[0] === linkOperation.request) this.onRequest(parseEnvelope(message.subarray(1)));
        }
    }
}

export function bundleOf(signer: Signer): Buffer {
    return encodeKeyBundle({
        network,
        provider: bytesOf('provider'),
        role: 1,
        suite: 1,
        signingKey: signer.publicKey,
        imageId: bytesOf('image'),
        modelRoot: bytesOf('root'),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: bytesOf('block'),
        notAfter: nowMs / 1000 + 3_600,
    });
}

export async function termsOf(signer: Signer = node, maxConcurrency = 4) {
    const keyring = await keyringOf(signer);
    return {
        kemCertificates: keyring.certificates().map(({ signed }) => signed.toString('base64')),
        offer: issueOffer({ ...offerFields, maxConcurrency }, signer).signed.toString('base64'),
    };
}
