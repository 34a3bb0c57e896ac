import { chmodSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { Writable } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { createLogger, silentLogger, systemClock } from '../../../keepers/base';
import { EscrowBook } from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { renewCertificate } from '../../../keepers/dispatcher/server';
import { TlsFiles, type TlsPair } from '../../../keepers/dispatcher/tls-files';
import { openNewLedger } from '../../support/new-ledger';
import { TlsAuthority } from '../../support/tls-authority';
import { bytesOf } from '../confidential/exchange';
import { network } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();
const authority = new TlsAuthority();
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

function watched(pair: TlsPair = authority.serverOf('localhost')) {
    const lines: string[] = [];
    const output = new Writable({
        write(chunk: Buffer, _encoding, done) {
            lines.push(chunk.toString());
            done();
        },
    });
    const own = path.join(folder, String(Math.random()));
    const files = { certificateFile: `${own}.pem`, keyFile: `${own}.key` };
    const write = ({ certificate, key }: Partial<TlsPair>) => {
        if (certificate) writeFileSync(files.certificateFile, certificate);
        if (key) writeFileSync(files.keyFile, key, { mode: 0o600 });
    };
    write(pair);
    const open = () => new TlsFiles({ ...files, logger: createLogger({ name: 'test', destination: output }) });
    return { files, write, open, lines };
}

async function dispatcherWith(tls: TlsPair) {
    const ledger = await openNewLedger(folder);
    const service = new DispatcherService({
        network,
        hub: bytesOf('hub'),
        ledger,
        book: new EscrowBook({ read: async () => null }),
        isAdmitted: async () => true,
        queueLimitPerNode: 16,
        clock: systemClock,
        logger: silentLogger(),
    });
    const server = createDispatcherServer({ service, maxBodyBytes: 1_000_000, logger: silentLogger(), tls });
    await server.listen({ host: '127.0.0.1', port: 0 });
    endings.push(async () => {
        await server.close();
        await ledger.close();
    });
    return server;
}

async function dial(port: number): Promise<TLSSocket> {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.certificate });
    endings.push(() => void socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
}

test('a renewed certificate is shown to whoever dials from then on; connections that are up stay', async () => {
    const { write, open } = watched();
    const files = open();
    const server = await dispatcherWith(files.current);
    const { port } = server.server.address() as { port: number };
    const before = await dial(port);
    const renewed = authority.serverOf('localhost');
    write(renewed);
    files.check((pair) => renewCertificate(server, pair));
    const after = await dial(port);
    const serials = [before, after].map((socket) => socket.getPeerCertificate().serialNumber);
    expect(new Set(serials).size).toBe(2);
    before.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(String((await once(before, 'data'))[0])).toContain('200 OK');
});

test('of files that are half renewed nothing is used, which is said once; when both are there, both are', () => {
    const { write, open, lines } = watched();
    const files = open();
    const first = files.current;
    const applied: TlsPair[] = [];
    const check = () => files.check((pair) => applied.push(pair));
    const renewed = authority.serverOf('localhost');
    write({ certificate: renewed.certificate });
    check();
    check();
    expect(applied).toEqual([]);
    expect(files.current).toBe(first);
    expect(lines.filter((line) => line.includes('not usable'))).toHaveLength(1);
    write({ key: renewed.key });
    check();
    check();
    expect(applied).toEqual([renewed]);
});

test('a dispatcher does not start with a key that others can read', () => {
    const { files, open } = watched();
    chmodSync(files.keyFile, 0o644);
    expect(open).toThrow(expect.objectContaining({ code: 'secret_exposed' }) as Error);
});

test('a dispatcher does not start with a key of another certificate', () => {
    const { write, open } = watched();
    write({ key: authority.serverOf('localhost').key });
    expect(open).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
});
