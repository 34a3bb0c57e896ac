import { createHash } from 'node:crypto';
import { verifyMessage, Signature } from 'ethers';
import { configSchemas } from '../../../keepers/config';
import { dstackQuoteSource, NodeError } from '../../../keepers/node';
import { DstackAgent } from '../../../keepers/node/dstack-agent';
import { openSigningKey } from '../../../keepers/node/signing-key';
import { inspectQuote } from '../../../keepers/attestation';
import { send, startGuestAgent } from './dstack-guest-agent';

type GuestAgent = Awaited<ReturnType<typeof startGuestAgent>>;

let guest: GuestAgent;
beforeEach(async () => (guest = await startGuestAgent()));
afterEach(() => guest.stop());

async function failureOf(act: () => Promise<unknown>): Promise<NodeError> {
    const error: unknown = await act().then(
        () => undefined,
        (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(NodeError);
    return error as NodeError;
}

describe('quotes of a dstack guest', () => {
    test('bind the report data as it is given, all 64 bytes of it', async () => {
        const reportData = createHash('sha512').update('bundle').digest();
        const quote = await dstackQuoteSource(guest.socketPath).quote(reportData);
        expect(inspectQuote(quote).reportData).toBe(reportData.toString('hex'));
        expect(guest.calls).toEqual([{ route: '/GetQuote', body: { report_data: reportData.toString('hex') } }]);
    });

    test.each([
        ['an error in the body', (r: Parameters<typeof send>[0]) => send(r, { error: 'no quote now' }), 'no quote now'],
        ['another status', (r: Parameters<typeof send>[0]) => send(r, {}, 503), 'status 503'],
        ['a quote that is not hex', (r: Parameters<typeof send>[0]) => send(r, { quote: 'abc' }), 'another form'],
        ['text that is not JSON', (r: Parameters<typeof send>[0]) => void r.end('<html>'), 'another form'],
        ['a broken connection', (r: Parameters<typeof send>[0]) => void r.destroy(), 'no answer'],
    ])('are refused by name for %s', async (_, answer, message) => {
        guest.answerWith((_call, response) => answer(response));
        const error = await failureOf(() => dstackQuoteSource(guest.socketPath).quote(Buffer.alloc(64)));
        expect(error.code).toBe('quote_unavailable');
        expect(error.message).toContain(message);
    });

    test('are given up after the deadline', async () => {
        guest.answerWith(() => undefined);
        const agent = new DstackAgent({ socketPath: guest.socketPath, timeoutMs: 100 });
        const error = await failureOf(() => agent.getQuote(Buffer.alloc(64)));
        expect(error.message).toContain('it took too long');
    });

    test('are given up where the answer has no end', async () => {
        guest.answerWith((_call, response) => {
            response.writeHead(200);
            const filler = 'a'.repeat(1024 * 1024);
            const pour = () => {
                if (response.destroyed) return;
                response.write(filler, () => setImmediate(pour));
            };
            pour();
        });
        const error = await failureOf(() => dstackQuoteSource(guest.socketPath).quote(Buffer.alloc(64)));
        expect(error.code).toBe('quote_unavailable');
    });

    test('are given up where no agent listens', async () => {
        const error = await failureOf(() => dstackQuoteSource('/nonexistent/dstack.sock').quote(Buffer.alloc(64)));
        expect(error.code).toBe('quote_unavailable');
    });
});

describe('the signing key of a node', () => {
    const settings = (signing: object) => configSchemas.node.in.shape.signing.parse(signing);

    test('is Ed25519 unless something else is asked for', async () => {
        expect(configSchemas.node.in.shape.signing.parse(undefined)).toEqual({ kind: 'generated', suite: 'ed25519' });
        const signer = await openSigningKey(settings({ kind: 'generated' }));
        expect(signer.publicKey.subarray(0, 12)).not.toEqual(Buffer.alloc(12));
    });

    test('can be an Ethereum key made here', async () => {
        const signer = await openSigningKey(settings({ kind: 'generated', suite: 'secp256k1' }));
        expect(signer.publicKey.subarray(0, 12)).toEqual(Buffer.alloc(12));
    });

    test('can be derived by dstack, anew at each start, so that no receipt is ever signed twice', async () => {
        const signing = settings({ kind: 'dstack', socketPath: guest.socketPath, path: 'shop/7' });
        const [first, second] = [await openSigningKey(signing), await openSigningKey(signing)];
        expect(first.publicKey).not.toEqual(second.publicKey);
        const digest = Buffer.alloc(32, 9);
        const address = verifyMessage(digest, Signature.from('0x' + first.sign(digest).toString('hex')));
        expect(address.toLowerCase().slice(2)).toBe(first.publicKey.toString('hex', 12));
        for (const { route, body } of guest.calls) {
            expect(route).toBe('/GetKey');
            expect(body).toMatchObject({ purpose: 'signing', algorithm: 'secp256k1' });
            expect(body['path']).toMatch(/^shop\/7\/[0-9a-f]{32}$/);
        }
    });

    test('is refused in any other form, without a word of what was answered', async () => {
        const secret = 'f00d'.repeat(15);
        guest.answerWith((_call, response) => send(response, { key: secret, signature_chain: [] }));
        const error = await failureOf(() => openSigningKey(settings({ kind: 'dstack', socketPath: guest.socketPath })));
        expect(error.code).toBe('key_unavailable');
        expect(JSON.stringify({ ...error, message: error.message, cause: String(error.cause) })).not.toContain(secret);
    });
});
