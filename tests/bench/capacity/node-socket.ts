import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const operation = { binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** Of RFC 6455, section 1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const largestShort = 125;
const lengthFollows = 126;

/**
 * The client's side of one WebSocket (RFC 6455), as lean as it can be: ten thousand nodes are ten thousand machines, and
 * here they share one core with the dispatcher that is measured. Messages come whole and shorter than 64 KiB.
 */
export class NodeSocket {
    private held: Buffer = Buffer.alloc(0);
    private upgraded = false;

    private constructor(
        private readonly socket: Socket,
        private readonly on: { message(payload: Buffer): void; closed(reason: string): void },
    ) {
        socket.on('data', (bytes) => this.take(bytes));
        socket.on('error', (error) => socket.destroy(error));
        socket.once('close', () => on.closed('the connection closed'));
    }

    static dial(url: URL, on: { message(payload: Buffer): void; closed(reason: string): void }): NodeSocket {
        const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
        const key = randomBytes(16).toString('base64');
        socket.write(
            `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
                `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
        );
        const dialled = new NodeSocket(socket, on);
        dialled.expected = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64');
        return dialled;
    }

    private expected = '';

    send(payload: Buffer): void {
        this.write(operation.binary, payload);
    }

    ping(): void {
        this.write(operation.ping, Buffer.alloc(0));
    }

    /** A client's frames are masked; with zeros, which spares the masking and is as valid as any. */
    private write(code: number, payload: Buffer): void {
        const short = payload.length <= largestShort;
        const head = Buffer.alloc(short ? 6 : 8);
        head[0] = 0x80 | code;
        head[1] = 0x80 | (short ? payload.length : lengthFollows);
        if (!short) head.writeUInt16BE(payload.length, 2);
        this.socket.write(payload.length === 0 ? head : Buffer.concat([head, payload]));
    }

    private take(bytes: Buffer): void {
        this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
        if (!this.upgraded && !this.upgrade()) return;
        for (let frame = this.nextFrame(); frame !== undefined; frame = this.nextFrame()) this.deliver(frame);
    }

    private upgrade(): boolean {
        const end = this.held.indexOf('\r\n\r\n');
        if (end < 0) return false;
        const head = this.held.subarray(0, end).toString('latin1');
        if (!head.includes(' 101 ') || !head.includes(this.expected)) {
            this.on.closed(`the dispatcher answered ${head.split('\r\n')[0]}`);
            this.socket.destroy();
            return false;
        }
        this.held = this.held.subarray(end + 4);
        return (this.upgraded = true);
    }

    private nextFrame(): { code: number; payload: Buffer } | undefined {
        if (this.held.length < 2) return undefined;
        const stated = this.held[1]!;
        const from = stated === lengthFollows ? 4 : 2;
        if (this.held.length < from) return undefined;
        const to = from + (stated === lengthFollows ? this.held.readUInt16BE(2) : stated);
        if (this.held.length < to) return undefined;
        const frame = { code: this.held[0]! & 0x0f, payload: this.held.subarray(from, to) };
        this.held = this.held.subarray(to);
        return frame;
    }

    private deliver({ code, payload }: { code: number; payload: Buffer }): void {
        if (code === operation.binary) this.on.message(payload);
        if (code === operation.ping) this.write(operation.pong, payload);
        if (code === operation.close) this.on.closed(payload.subarray(2).toString('utf8'));
    }
}
