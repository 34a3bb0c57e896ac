import { once } from 'node:events';
import { createServer } from 'node:net';
import { DevnetError } from '../errors';

/** Said before half a minute of setting up, not after it. @throws DevnetError `port_in_use` */
export async function requireFreePort(port: number): Promise<void> {
    const server = createServer();
    try {
        server.listen({ host: '127.0.0.1', port });
        await once(server, 'listening');
        server.close();
        await once(server, 'close');
    } catch (error) {
        const why =
            (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is taken by another program' : 'cannot be used';
        throw new DevnetError('port_in_use', `port ${port} ${why}: choose another with --port`, error);
    }
}
