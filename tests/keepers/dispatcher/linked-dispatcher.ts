import { once } from 'node:events';
import path from 'node:path';
import { WebSocket } from 'ws';
import { ManualClock, silentLogger } from '../../../keepers/base';
import {
    EscrowBook,
    gatewayMessage,
    gatewayOperation,
    linkOperation,
    messagesIn,
    type RelayFailure,
} from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { openDispatchLedger } from '../../../keepers/ledger';
import { account, hub, network, nowMs, type SealedRequest } from '../dispatch/sealed-request';
import { ScriptedNode } from './scripted-node';

const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A real dispatcher with one node that does what the test says. */
export async function linkedDispatcher(folder: string, maxConcurrency = 4) {
    const ledger = await openDispatchLedger({ file: path.join(folder, `${Math.random()}.sqlite`) });
    const clock = new ManualClock(nowMs);
    const service = new DispatcherService({
        network,
        hub,
        ledger,
        book: new EscrowBook({ read: async () => account({ balanceNano: 10n ** 12n }), clock }),
        isAdmitted: async () => true,
        queueLimitPerNode: 16,
        clock,
        logger: silentLogger(),
    });
    const server = createDispatcherServer({ service, maxBodyBytes: 1_000_000, logger: silentLogger() });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const node = await ScriptedNode.connect(url, { maxConcurrency });
    while (service.connectedNodes === 0) await pause(2);
    endings.push(async () => {
        node.socket.terminate();
        await server.close();
        while (service.inFlight > 0) await pause(2);
        await ledger.close();
    });
    return { ledger, service, url, node };
}

export interface Heard {
    operation: number;
    requestId: Buffer;
    rest: Buffer;
}

/** A gateway's bare socket: says anything, keeps what it hears. */
export class ScriptedGateway {
    readonly heard: Heard[] = [];

    private constructor(readonly socket: WebSocket) {
        socket.on('message', (data: Buffer) => {
            for (const one of messagesIn(data)!)
                this.heard.push({ operation: one[0]!, requestId: one.subarray(1, 17), rest: one.subarray(17) });
        });
    }

    static async connect(url: string): Promise<ScriptedGateway> {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/gateways/connect`);
        const gateway = new ScriptedGateway(socket);
        endings.push(() => socket.terminate());
        await once(socket, 'open');
        return gateway;
    }

    say(operation: keyof typeof gatewayOperation, requestId: Buffer, rest?: Buffer): void {
        this.socket.send(Buffer.concat(gatewayMessage(operation, requestId, rest)));
    }

    ask({ requestId, bytes }: Pick<SealedRequest, 'requestId' | 'bytes'>): void {
        this.say('request', requestId, bytes);
    }

    /** Resolves with the first such message about the request, also one that came before. */
    async hears(operation: keyof typeof gatewayOperation, requestId: Buffer): Promise<Buffer> {
        for (;;) {
            const found = this.heard.find(
                (one) => one.operation === gatewayOperation[operation] && one.requestId.equals(requestId),
            );
            if (found !== undefined) return found.rest;
            await once(this.socket, 'message');
        }
    }

    async hearsFailure(operation: 'fail' | 'notRaised', requestId: Buffer): Promise<RelayFailure> {
        return JSON.parse((await this.hears(operation, requestId)).toString()) as RelayFailure;
    }

    /** The answer so far. */
    wireOf(requestId: Buffer): Buffer {
        const frames = this.heard.filter(
            (one) => one.operation === gatewayOperation.frames && one.requestId.equals(requestId),
        );
        return Buffer.concat(frames.map(({ rest }) => rest));
    }

    async closed(): Promise<[code: number, reason: string]> {
        const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer];
        return [code, reason.toString()];
    }
}

/** Everything that was said to the dispatcher before has been read when this resolves. */
export async function settled({ socket }: ScriptedGateway): Promise<void> {
    const heard = once(socket, 'pong');
    socket.ping();
    await heard;
}

export { linkOperation };
