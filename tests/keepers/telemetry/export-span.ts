import { RequestTracer } from '../../../keepers/telemetry';

/** One span to a collector, in a process of its own: the exporter loads modules as jest can't. */
async function main(otlpUrl: string): Promise<void> {
    const authorization = 'Basic x';
    const tracer = await RequestTracer.export({ hop: 'gateway', version: '0', sampleRatio: 1, otlpUrl, authorization });
    tracer.begin(Buffer.alloc(16, 0xab), { nodeId: 'node', startedAtMs: Date.now() }).end('answered');
    await tracer.shutdown();
}

void main(process.argv[2]!);
