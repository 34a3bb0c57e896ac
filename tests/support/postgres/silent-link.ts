import { once } from 'node:events';
import net from 'node:net';

/** Between a ledger and its server, to take the server's voice: connections stay open, and nothing comes any more. */
export class SilentLink {
    private readonly sockets = new Set<net.Socket>();
    private readonly talking = new Set<net.Socket>();
    private muteAt: Buffer | null = null;
    private newAreSilent = false;

    private constructor(
        private readonly server: net.Server,
        private readonly serverPort: number,
    ) {
        server.on('connection', (client) => this.link(client));
    }

    static async to(serverPort: number): Promise<SilentLink> {
        const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        return new SilentLink(server, serverPort);
    }

    /** The address of the same database by way of this link. */
    urlOf(url: string): string {
        const by = new URL(url);
        by.port = String((this.server.address() as net.AddressInfo).port);
        return by.href;
    }

    /** From now on, for connections that there are. @param options.newOnes those that come too */
    silence(options: { newOnes?: boolean } = {}): void {
        this.newAreSilent = options.newOnes ?? false;
        this.talking.clear();
    }

    /** The next connection on which these bytes pass to the server gets no answer to them, nor to anything after. */
    silenceAfter(bytes: string): void {
        this.muteAt = Buffer.from(bytes);
    }

    async close(): Promise<void> {
        for (const socket of this.sockets) socket.destroy();
        this.server.close();
        await once(this.server, 'close');
    }

    private link(client: net.Socket): void {
        const upstream = net.connect({ port: this.serverPort, host: '127.0.0.1', allowHalfOpen: true });
        if (!this.newAreSilent) this.talking.add(upstream);
        for (const socket of [client, upstream]) {
            this.sockets.add(socket);
            socket.on('error', () => undefined);
        }
        client.on('data', (bytes) => {
            if (this.muteAt && bytes.includes(this.muteAt)) {
                this.talking.delete(upstream);
                this.muteAt = null;
            }
            upstream.write(bytes);
        });
        upstream.on('data', (bytes) => void (this.talking.has(upstream) && client.write(bytes)));
        client.on('end', () => upstream.end());
        client.on('close', () => upstream.destroy());
        upstream.on('end', () => void (this.talking.has(upstream) && client.end()));
        upstream.on('close', () => void (this.talking.has(upstream) && client.destroy()));
    }
}
