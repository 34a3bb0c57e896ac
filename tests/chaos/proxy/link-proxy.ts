import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * - `open`: bytes pass; - `cut`: connections are reset and new ones refused;
 * - `silent`: nothing arrives any more and nobody is told; - `slow`: every piece comes late
 */
export type LinkState = 'open' | 'cut' | 'silent' | 'slow';

/** A TCP link between two processes that can be cut, silenced and slowed. */
export class LinkProxy {
    private state: LinkState = 'open';
    private delayMs = 0;
    private readonly sockets = new Set<Socket>();

    private constructor(
        private readonly server: Server,
        private readonly target: URL,
    ) {}

    static async start(targetUrl: string): Promise<LinkProxy> {
        const server = createServer({ pauseOnConnect: true });
        server.listen({ host: '127.0.0.1', port: 0 });
        await once(server, 'listening');
        const proxy = new LinkProxy(server, new URL(targetUrl));
        server.on('connection', (client: Socket) => proxy.accept(client));
        return proxy;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    set(state: LinkState, delayMs = 0): void {
        const wasSilent = this.state === 'silent';
        this.state = state;
        this.delayMs = delayMs;
        // Bytes that a silent link swallowed are gone: what waited on them is a connection that never recovers by itself.
        if (state === 'cut' || wasSilent) for (const socket of this.sockets) socket.resetAndDestroy();
    }

    async close(): Promise<void> {
        for (const socket of this.sockets) socket.destroy();
        this.server.close();
        await once(this.server, 'close');
    }

    private accept(client: Socket): void {
        this.keep(client);
        if (this.state === 'cut') return void client.resetAndDestroy();
        const upstream = connect({ host: this.target.hostname, port: Number(this.target.port) });
        this.keep(upstream);
        this.pass(client, upstream);
        this.pass(upstream, client);
        client.resume();
    }

    private keep(socket: Socket): void {
        this.sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
        socket.on('close', () => this.sockets.delete(socket));
    }

    private pass(from: Socket, to: Socket): void {
        from.on('data', (bytes: Buffer) => {
            if (this.state === 'silent') return;
            if (this.state === 'slow') return this.passLate(bytes, from, to);
            if (!to.write(bytes)) {
                from.pause();
                to.once('drain', () => from.resume());
            }
        });
        from.on('end', () => to.end());
        from.on('close', () => to.destroy());
    }

    /** One piece at a time, so that pieces keep their order. */
    private passLate(bytes: Buffer, from: Socket, to: Socket): void {
        from.pause();
        setTimeout(() => {
            if (!to.destroyed) to.write(bytes);
            from.resume();
        }, this.delayMs);
    }
}
