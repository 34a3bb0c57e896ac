import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { requireFreePort } from '../../../../keepers/devnet/network/free-port';

test('a taken port is named before anything is set up; a free one stays free', async () => {
    const server = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(requireFreePort(port)).rejects.toMatchObject({
        code: 'port_in_use',
        message: expect.stringContaining(`port ${port} is taken`) as string,
    });
    server.close();
    await once(server, 'close');
    await requireFreePort(port);
    await requireFreePort(port);
});
