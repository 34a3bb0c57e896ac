import { OpenAiCompatibleEngine } from '../../../../keepers/node/engine';
import { json, startOpenAiServer } from './openai-server';
import { ask, readAnswer } from './read-answer';

describe('images, audio and files of a request', () => {
    let server: Awaited<ReturnType<typeof startOpenAiServer>>;
    let engine: OpenAiCompatibleEngine;
    beforeEach(async () => {
        server = await startOpenAiServer();
        server.behave(json(200, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }));
        engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl });
    });
    afterEach(async () => {
        await engine.close();
        await server.stop();
    });

    const text = { role: 'user', content: 'see https://example.com/cat.png' };
    const withPart = (part: object) => ({
        messages: [text, { role: 'user', content: [{ type: 'text', text: 'x' }, part] }],
    });
    const refused = {
        code: 'invalid_request',
        status: 400,
        message: expect.not.stringContaining('example.com') as string,
    };

    it.each<[string, object]>([
        ['an image', { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } }],
        ['an image in short', { image_url: 'http://example.com/cat.png' }],
        ['one in capitals', { type: 'image_url', IMAGE_URL: { URL: 'HTTPS://example.com/cat.png' } }],
        ['one behind a blank', { type: 'image_url', image_url: { url: ' https://example.com/cat.png' } }],
        ['a video', { type: 'video_url', video_url: { url: 'https://example.com/cat.mp4' } }],
        ['a sound', { type: 'audio_url', audio_url: { url: 'https://example.com/cat.wav' } }],
        ['a file', { type: 'file', file: { file_data: 'https://example.com/cat.pdf' } }],
        ['a path', { type: 'image_url', image_url: { url: 'file:///etc/passwd' } }],
        ['a bare path', { type: 'image_url', image_url: { url: '/etc/secret.png' } }],
        ['one within another part', { type: 'tool_result', content: [{ image_url: { url: 'https://example.com' } }] }],
    ])('are not fetched from elsewhere, and the engine never hears of it: %s', async (_what, part) => {
        await expect(readAnswer(ask(engine, withPart(part)))).rejects.toMatchObject({
            ...refused,
            param: 'messages.1',
        });
        expect(server.seen).toEqual([]);
    });

    it('nor are those of embeddings', async () => {
        const asked = ask(engine, { input: [{ image: 'https://example.com/cat.png' }] }, { path: '/v1/embeddings' });
        await expect(readAnswer(asked)).rejects.toMatchObject({ ...refused, param: 'input.0' });
        expect(server.seen).toEqual([]);
    });

    it.each<[string, object]>([
        ['as a data URL', { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }],
        ['as bytes', { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }],
        ['as a file', { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } }],
        ['and a text may name any place', { type: 'text', text: 'https://example.com/cat.png' }],
    ])('pass where they come with it: %s', async (_what, part) => {
        expect((await readAnswer(ask(engine, withPart(part)))).status).toBe(200);
        expect(JSON.parse(server.seen[0]!.body)).toMatchObject(withPart(part));
    });

    it('however deep a request nests', async () => {
        const depth = 20_000;
        const nested = `${'['.repeat(depth)}{"url":"https://example.com"}${']'.repeat(depth)}`;
        await expect(readAnswer(ask(engine, `{"messages":[{"content":${nested}}]}`))).rejects.toMatchObject(refused);
    });
});
