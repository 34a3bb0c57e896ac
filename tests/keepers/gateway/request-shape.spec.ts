import { GatewayError } from '../../../keepers/gateway/errors';
import { shapeOf } from '../../../keepers/gateway/request-shape';

function shape(body: string | Buffer, path = '/v1/chat/completions') {
    return shapeOf({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) });
}

function errorOf(body: string): GatewayError {
    try {
        shape(body);
    } catch (error) {
        if (error instanceof GatewayError) return error;
        throw error;
    }
    throw new Error('it was taken');
}

test('what decides routing and money is read; the body stays as it came', () => {
    const body = '{"model":"toy", "stream":true,"max_tokens":7,"n":2,"anything":{"else":[1]}}';
    const read = shape(body);
    expect(read).toMatchObject({ model: 'toy', stream: true, work: { completions: 2, maxTokens: 7 } });
    expect(read.inner.body.toString()).toBe(body);
});

test('what is null or absent is not asked for', () => {
    expect(shape('{"model":"toy","stream":null,"max_tokens":null,"n":null}')).toMatchObject({ stream: false });
});

test.each(['', '{', '{"model":"toy"', 'hello', '{"model":"toy",}'])('"%s" is invalid_json', (body) => {
    const error = errorOf(body);
    expect(error).toMatchObject({ code: 'invalid_json', status: 400, param: null });
});

test.each([
    ['[]', null],
    ['"toy"', null],
    ['null', null],
    ['{}', 'model'],
    ['{"model":7}', 'model'],
    ['{"model":""}', 'model'],
    [`{"model":"${'x'.repeat(129)}"}`, 'model'],
    ['{"model":"toy","stream":"yes"}', 'stream'],
    ['{"model":"toy","n":0}', 'n'],
    ['{"model":"toy","n":129}', 'n'],
    ['{"model":"toy","best_of":1.5}', 'best_of'],
    ['{"model":"toy","max_tokens":0}', 'max_tokens'],
    ['{"model":"toy","max_tokens":"7"}', 'max_tokens'],
    ['{"model":"toy","max_completion_tokens":-1}', 'max_completion_tokens'],
])('%s is invalid_request and names its field', (body, param) => {
    const error = errorOf(body);
    expect(error).toMatchObject({ code: 'invalid_request', status: 400, param });
    expect(error.toJSON().error.type).toBe('invalid_request_error');
});

test('no error quotes the body', () => {
    for (const body of ['{"model":"toy","messages":"swordfish', '{"model":7,"swordfish":1}', 'swordfish'])
        expect(JSON.stringify(errorOf(body).toJSON())).not.toContain('swordfish');
});
