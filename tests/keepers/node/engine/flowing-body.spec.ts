import { PassThrough, Readable } from 'node:stream';
import { FlowingBody } from '../../../../keepers/node/engine/flowing-body';

async function readAll(body: AsyncIterable<Buffer>): Promise<string> {
    const parts: Buffer[] = [];
    for await (const bytes of body) parts.push(bytes);
    return Buffer.concat(parts).toString();
}

describe('FlowingBody', () => {
    it('gives what comes before and after it is asked for, in order, to the end', async () => {
        const stream = new PassThrough();
        const body = new FlowingBody(stream);
        stream.write('one ');
        stream.write('two ');
        const text = readAll(body);
        await new Promise((resolve) => setImmediate(resolve));
        stream.write('three');
        stream.end();
        expect(await text).toBe('one two three');
        expect(await body.next()).toEqual({ done: true, value: undefined });
    });

    it('gives what came before an error, and then the error', async () => {
        const stream = new PassThrough();
        const body = new FlowingBody(stream);
        stream.write('begun');
        await new Promise((resolve) => setImmediate(resolve));
        stream.destroy(new Error('socket gone'));
        expect(await body.next()).toEqual({ done: false, value: Buffer.from('begun') });
        await expect(body.next()).rejects.toThrow('socket gone');
    });

    it('takes a stream that closes before its end for broken off, also while its reader waits', async () => {
        const stream = new PassThrough();
        const waiting = new FlowingBody(stream).next();
        stream.destroy();
        await expect(waiting).rejects.toThrow('broke off');
    });

    it('holds a stream back whose reader does not keep up, and lets it go on', async () => {
        let made = 0;
        const piece = Buffer.alloc(64 * 1024, 'x');
        const stream = new Readable({ read: () => void stream.push(++made <= 100 ? piece : null) });
        const body = new FlowingBody(stream);
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(made).toBeLessThan(12);
        expect((await readAll(body)).length).toBe(100 * piece.length);
    });

    it('destroys the stream when its reader leaves', async () => {
        const stream = new PassThrough();
        stream.write('one');
        for await (const bytes of new FlowingBody(stream)) {
            expect(bytes.toString()).toBe('one');
            break;
        }
        expect(stream.destroyed).toBe(true);
    });
});
