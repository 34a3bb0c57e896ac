import path from 'node:path';
import { silentLogger, systemClock } from '../../../keepers/base';
import type { ParsedEnvelope } from '../../../keepers/confidential';
import { EscrowBook } from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import type { NodeDirectory } from '../../../keepers/gateway/node-directory';
import { PickIndex } from '../../../keepers/gateway/pick-index';
import { GatewayService } from '../../../keepers/gateway/service';
import { GatewayLedger } from '../../../keepers/ledger';
import { ScriptedNode } from '../dispatcher/scripted-node';
import { account, escrow, hub, network, nowMs, session } from '../dispatch/sealed-request';
import { finalFrame, sealerFor } from './scripted-dispatcher';
import { hubAddress, oneHub, type TestNode, trustedNode } from './trusted-nodes';
import { openNewLedger } from '../../support/new-ledger';

/** Real time that begins at the tests' date: everything waits as in life. */
export function clockFrom(offsetMs = 0) {
    const beganMs = Date.now();
    return { ...systemClock, nowMs: () => nowMs + offsetMs + (Date.now() - beganMs) };
}

export interface FaultyNode extends TestNode {
    scripted: ScriptedNode;
    asked: number;
    answered: number;
}

export interface FaultyOptions {
    nodes?: number;
    queueLimitPerNode?: number;
    gatewayAheadMs?: number;
    dispatcherAheadMs?: number;
    requestTimeoutMs?: number;
}

/** A real gateway before a real dispatcher, each with its books; nodes that do to a request what the test says. */
export async function faultyNetwork(
    folder: string,
    endings: (() => Promise<unknown> | void)[],
    options: FaultyOptions,
) {
    const logger = silentLogger();
    const file = () => path.join(folder, `${Math.random()}.sqlite`);
    const ledgers = {
        dispatch: await openNewLedger(folder),
        gateway: new GatewayLedger({ file: file() }),
    };
    const read = async () => account({ balanceNano: 10n ** 9n });
    const dispatcher = new DispatcherService({
        network,
        hub,
        ledger: ledgers.dispatch,
        book: new EscrowBook({ read }),
        isAdmitted: async () => true,
        queueLimitPerNode: options.queueLimitPerNode ?? 8,
        clock: clockFrom(options.dispatcherAheadMs),
        logger,
    });
    const server = createDispatcherServer({ service: dispatcher, maxBodyBytes: 1_000_000, logger });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const nodes: FaultyNode[] = [];
    for (let index = 0; index < (options.nodes ?? 1); index++) nodes.push(await join(url, index));
    while (dispatcher.connectedNodes < nodes.length) await pause(5);
    const marks = { banned: [] as string[], avoided: [] as string[] };
    const client = new DispatcherClient(url);
    const gateway = new GatewayService({
        network,
        hubs: oneHub({ hub: hubAddress, escrow, book: new EscrowBook({ read }) }),
        session,
        ledger: ledgers.gateway,
        directory: directoryOf(nodes, marks),
        dispatchers: new Map([[url, client]]),
        maxOutputPriceNano: undefined,
        requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
        clock: clockFrom(options.gatewayAheadMs),
        logger,
    });
    endings.push(async () => {
        await client.close();
        for (const { scripted } of nodes) scripted.socket.terminate();
        await server.close();
        while (dispatcher.inFlight > 0) await pause(5);
        await ledgers.dispatch.close();
        ledgers.gateway.close();
    });
    return { gateway, dispatcher, nodes, ledgers, url, ...marks };
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function join(url: string, index: number): Promise<FaultyNode> {
    const node = await trustedNode(`faulty ${index}`, url);
    const scripted = await ScriptedNode.connect(url, { signer: node.signer });
    return { ...node, scripted, asked: 0, answered: 0 };
}

function directoryOf(nodes: TestNode[], marks: { banned: string[]; avoided: string[] }): NodeDirectory {
    const index = new PickIndex(nodes);
    return {
        trusted: nodes,
        offers: index.offers.bind(index),
        isUsable: () => true,
        waysTo: ({ dispatcherUrl: way }: { dispatcherUrl: string }) => [way],
        problem: '',
        ban: (id: string) => void marks.banned.push(id),
        avoid: (id: string) => void marks.avoided.push(id),
        notBegun: (node: TestNode) => (node.trouble = Math.min((node.trouble ?? 0) + 1, 8)),
        leaveDispatcher: () => undefined,
    } as unknown as NodeDirectory;
}

export type Fault = (node: FaultyNode, envelope: ParsedEnvelope) => Promise<void> | void;

export function behave(node: FaultyNode, fault: Fault): void {
    node.scripted.onRequest = (envelope) => {
        node.asked += 1;
        void fault(node, envelope);
    };
}

/** As an honest node does. */
export const answerWhole: Fault = async (node, envelope) => {
    const { requestId } = envelope.context;
    const sealer = await sealerFor(node, envelope);
    const head = { status: 200, headers: { 'content-type': 'application/json' } };
    const wire = [sealer.start(), sealer.head(head), sealer.body(Buffer.from('{"ok":true}'))];
    const final = finalFrame(node, sealer, { sequence: ++node.answered });
    node.scripted.frames(requestId, Buffer.concat([...wire, final.wire]));
};
