import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { benchModel } from '../engine-events';
import { serveRole } from '../serve-role';

/** The package has no types of its own. */
const { default: Server } = createRequire(__filename)('@musistudio/llms') as {
    default: new (options: object) => { start(): Promise<void> };
};

/** @musistudio/llms as its package is meant to be used: a server with one OpenAI-compatible provider. */
async function start({ upstreamUrl }: { upstreamUrl: string }) {
    const port = await freePort();
    const server = new Server({
        logger: false,
        initialConfig: {
            PORT: String(port),
            HOST: '127.0.0.1',
            providers: [
                {
                    name: 'mock',
                    api_base_url: `${upstreamUrl}/v1/chat/completions`,
                    api_key: 'none',
                    models: [benchModel],
                },
            ],
        },
    });
    await server.start();
    return { url: `http://127.0.0.1:${port}` };
}

async function freePort(): Promise<number> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return port;
}

serveRole({ start });
