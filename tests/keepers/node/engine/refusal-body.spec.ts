import { refusalBody } from '../../../../keepers/node/engine/refusal-body';

const shaped = (body: unknown) => {
    const { error } = JSON.parse(refusalBody(Buffer.from(JSON.stringify(body))).toString()) as { error: object };
    return error;
};

test.each<[string, unknown, object]>([
    [
        'SGLang’s, at the top',
        { object: 'error', message: 'too long', type: 'BadRequestError', param: 'messages', code: 400 },
        { message: 'too long', type: 'BadRequestError', param: 'messages', code: 400 },
    ],
    ['a text alone', { error: 'no such model' }, { message: 'no such model', type: 'invalid_request_error' }],
    ['FastAPI’s', { detail: [{ loc: ['n'] }] }, { message: '[{"loc":["n"]}]', param: null, code: null }],
])('a refusal takes the shape of OpenAI: %s', (_, body, error) => {
    expect(shaped(body)).toMatchObject(error);
});

test.each(['{"error":{"message":"x", "more":1.0}}', 'not JSON', '[1]', '{}', ''])(
    'what has that shape, or says nothing, stays as it is: %s',
    (body) => expect(refusalBody(Buffer.from(body)).toString()).toBe(body),
);
