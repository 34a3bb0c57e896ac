import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Registry } from 'prom-client';
import {
    DispatcherMetrics,
    GatewayMetrics,
    type Hop,
    NodeMetrics,
    RequestTracer,
    tracedAttributes,
} from '../../../keepers/telemetry';
import { question } from '../gateway/gateway-fixture';
import { temporaryFolder } from '../ledger/temporary-folder';
import { chunk, end, head, type Script } from '../node/node-fixture';
import { startWindowed } from '../windows/windowed-network';
import { typescriptNode } from '../../support/typescript-node';

const folder = temporaryFolder();
const answering: Script = async function* () {
    yield head;
    yield chunk('In the beginning', 4);
    yield end(4);
};

async function tracedNetwork(script: Script, sampleRatio = 1) {
    const exporter = new InMemorySpanExporter();
    const open = (hop: Hop) => RequestTracer.open({ hop, version: '0', sampleRatio, exporter, unbatched: true });
    const metrics = {
        gateway: new GatewayMetrics(new Registry(), await open('gateway')),
        dispatcher: new DispatcherMetrics(new Registry(), await open('dispatcher')),
        node: new NodeMetrics(new Registry(), await open('node')),
    };
    const network = await startWindowed(folder, { balanceNano: 1_000_000n, script, metrics });
    const spans = async (count: number) => {
        while (exporter.getFinishedSpans().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
        return new Map(exporter.getFinishedSpans().map((span) => [span.name.replace('cocoon ', ''), span]));
    };
    return { ...network, spans, exporter };
}

async function ask({ gateway }: Awaited<ReturnType<typeof tracedNetwork>>, content: string): Promise<string> {
    const answer = await gateway.ask(question({ max_tokens: 16, messages: [{ role: 'user', content }] }));
    const body = (await answer.wholeBody()).toString();
    await answer.settled.catch(() => undefined);
    return `${answer.requestId} ${body}`;
}

test('one request is one trace through gateway, dispatcher and node, under the id that they share', async () => {
    const network = await tracedNetwork(answering);
    const told = await ask(network, 'a prompt nobody may see');
    const spans = await network.spans(3);
    const [gateway, dispatcher, node] = ['gateway', 'dispatcher', 'node'].map((hop) => spans.get(hop)!);
    const requestId = told.split(' ')[0];
    for (const span of [gateway!, dispatcher!, node!]) expect(span.spanContext().traceId).toBe(requestId);
    expect(gateway!.parentSpanContext).toBeUndefined();
    expect(dispatcher!.parentSpanContext!.spanId).toBe(gateway!.spanContext().spanId);
    expect(node!.parentSpanContext!.spanId).toBe(dispatcher!.spanContext().spanId);
    expect([gateway, dispatcher, node].map((span) => span!.attributes['cocoon.outcome'])).toEqual([
        'answered',
        'answered',
        'answered',
    ]);
});

test('spans hold ids and outcomes alone: no size, no count, no model, no escrow, no text', async () => {
    const network = await tracedNetwork(answering);
    await ask(network, 'a prompt nobody may see');
    const spans = [...(await network.spans(3)).values()];
    for (const span of spans) {
        expect(Object.keys(span.attributes).sort()).toEqual([...tracedAttributes].sort());
        expect([span.events, span.status.message]).toEqual([[], undefined]);
        expect(Object.keys(span.resource.attributes).sort()).toEqual(['service.name', 'service.version']);
    }
    const shown = JSON.stringify(spans.map(shownOf));
    for (const secret of ['prompt', 'beginning', 'toy']) expect(shown).not.toContain(secret);
});

test('a request that fails is one with the outcome’s code', async () => {
    const network = await tracedNetwork(async function* () {
        yield head;
        throw new Error('a reason that quotes the prompt');
    });
    await ask(network, 'x').catch(() => undefined);
    const spans = await network.spans(3);
    expect(spans.get('node')!.attributes['cocoon.outcome']).toBe('engine_failed');
    expect(JSON.stringify([...spans.values()].map(shownOf))).not.toContain('quotes');
});

test('hops with the same share keep the same requests, whole', async () => {
    const network = await tracedNetwork(answering, 0.5);
    for (let i = 0; i < 12; i++) await ask(network, 'x');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const perTrace = new Map<string, number>();
    for (const span of network.exporter.getFinishedSpans()) {
        const { traceId } = span.spanContext();
        perTrace.set(traceId, (perTrace.get(traceId) ?? 0) + 1);
    }
    expect([...perTrace.values()].filter((count) => count !== 3)).toEqual([]);
});

test('spans go to an OTLP collector over HTTP, with its authorization', async () => {
    const received: { path: string; authorization: string | undefined; body: string }[] = [];
    const collector = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (data: Buffer) => chunks.push(data));
        request.on('end', () => {
            const { url = '', headers } = request;
            received.push({ path: url, authorization: headers.authorization, body: Buffer.concat(chunks).toString() });
            response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
        });
    });
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const otlpUrl = `http://127.0.0.1:${port}/v1/traces`;
    const sender = spawn(process.execPath, [...typescriptNode, path.join(__dirname, 'export-span.ts'), otlpUrl]);
    const [code] = (await once(sender, 'exit')) as [number | null];
    expect(code).toBe(0);
    collector.close();
    expect(received).toMatchObject([{ path: '/v1/traces', authorization: 'Basic x' }]);
    expect(received[0]!.body).toContain('ab'.repeat(16));
});

function shownOf({ name, attributes, events, links, status }: ReadableSpan) {
    return { name, attributes, events, links, status };
}
