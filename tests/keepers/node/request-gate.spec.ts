import { NodeRefusal } from '../../../keepers/node';
import { ManualClock } from '../../../keepers/base';
import { type EscrowAccount, EscrowBook } from '../../../keepers/dispatch';
import { bindingOfEnvelope, requestedWork, signCapRaise, worstCaseNano } from '../../../keepers/confidential';
import { bytesOf, inner, modelIndex, offer, stranger } from '../confidential/exchange';
import { account, hub, keyringOf, node, nowMs, nowSec, sealRequest, session } from '../dispatch/sealed-request';
import { gateOf } from './node-fixture';

async function refusalOf(act: Promise<unknown>): Promise<string> {
    try {
        await act;
    } catch (error) {
        if (error instanceof NodeRefusal) return error.code;
        throw error;
    }
    return 'admitted';
}

const worst = worstCaseNano(offer.models[modelIndex]!, requestedWork(inner));
const enough = 10n * worst;

/** A gate whose keyring the request is sealed to. */
async function gateAndRequest(
    request: Partial<Parameters<typeof sealRequest>[0]> = {},
    options: Parameters<typeof gateOf>[0] = {},
) {
    const keyring = await keyringOf(node);
    const parts = await gateOf({ keyring, ...options });
    const sealed = await sealRequest({ name: `gate ${Math.random()}`, keyring, capNano: enough, ...request });
    return { ...parts, keyring, sealed };
}

test('a request that is paid for is opened, with its terms and its place in the account', async () => {
    const { gate, sealed } = await gateAndRequest();
    const admitted = await gate.admit(sealed.envelope, hub);
    expect(admitted.inner.body.equals(inner.body)).toBe(true);
    expect(admitted).toMatchObject({ modelIndex, terms: { model: 'toy' }, metered: { worstCaseNano: worst } });
});

describe('it refuses', () => {
    const body = (fields: object) => Buffer.from(JSON.stringify({ model: 'toy', max_tokens: 1, ...fields }));
    const requests: [string, string, Partial<Parameters<typeof sealRequest>[0]>][] = [
        ['a deadline that has passed', 'deadline_passed', { deadlineMs: nowMs }],
        ['an offer that it does not stand by', 'offer_unknown', { offerHash: bytesOf('old offer') }],
        ['another epoch', 'escrow_unknown', { epoch: 9 }],
        ['a session key that the escrow does not name', 'session_unknown', { signer: stranger }],
        ['a cap below the worst case', 'cap_too_low', { capNano: worst - 1n }],
        ['a request that states less than it may cost', 'cap_too_low', { allowanceNano: worst - 1n }],
        ['a model that it does not offer', 'model_unknown', { body: body({ model: 'gpt' }) }],
        ['a model for a path that it does not offer', 'model_unknown', { body: body({ model: 'other' }) }],
        ['a body that is no JSON', 'request_invalid', { body: Buffer.from('{"secret') }],
        ['a count that is none', 'request_invalid', { body: body({ max_tokens: 'all' }) }],
    ];
    test.each(requests)('%s: %s', async (_what, code, request) => {
        const { gate, sealed } = await gateAndRequest(request);
        expect(await refusalOf(gate.admit(sealed.envelope, hub))).toBe(code);
    });

    const accounts: [string, string, EscrowAccount | null | Error][] = [
        ['an escrow that is none of the hub', 'escrow_unknown', null],
        ['an escrow that is closing', 'escrow_unknown', account({ status: 'closing' })],
        [
            'a session key that has expired',
            'session_unknown',
            account({ sessionKeys: [{ publicKey: session.publicKey, validUntilSec: nowSec }] }),
        ],
        [
            'a session key that was retired',
            'session_unknown',
            account({
                sessionKeys: [
                    { publicKey: stranger.publicKey, validUntilSec: nowSec + 60 },
                    { publicKey: session.publicKey, validUntilSec: nowSec + 60 },
                ],
            }),
        ],
        ['anything while the chain cannot be read', 'chain_unavailable', new Error('no chain')],
    ];
    test.each(accounts)('%s: %s', async (_what, code, state) => {
        const { gate, sealed, setAccount } = await gateAndRequest();
        setAccount(state);
        expect(await refusalOf(gate.admit(sealed.envelope, hub))).toBe(code);
    });

    test('a request to another node: context_unknown', async () => {
        const { gate, sealed } = await gateAndRequest({}, { nodeKey: stranger.publicKey });
        expect(await refusalOf(gate.admit(sealed.envelope, hub))).toBe('context_unknown');
    });

    test('a cap that is not signed: cap_invalid', async () => {
        const { gate, sealed } = await gateAndRequest();
        const raised = { ...sealed.envelope, cap: { ...sealed.envelope.cap, cumulativeNano: enough + 1n } };
        expect(await refusalOf(gate.admit(raised, hub))).toBe('cap_invalid');
    });

    test('a request sealed to a key that is gone: kem_epoch_unknown', async () => {
        const { gate, sealed, keyring } = await gateAndRequest();
        keyring.close();
        expect(await refusalOf(gate.admit(sealed.envelope, hub))).toBe('kem_epoch_unknown');
    });

    test('a request that was altered on the way: envelope_invalid', async () => {
        const { gate, sealed } = await gateAndRequest();
        const bytes = Buffer.from(sealed.envelope.sealed);
        bytes[0]! ^= 1;
        expect(await refusalOf(gate.admit({ ...sealed.envelope, sealed: bytes }, hub))).toBe('envelope_invalid');
    });

    test('a request that it has served: request_replayed, and nothing is reserved for it', async () => {
        const { gate, sealed } = await gateAndRequest({ capNano: worst });
        await gate.admit(sealed.envelope, hub);
        expect(await refusalOf(gate.admit(sealed.envelope, hub))).toBe('request_replayed');
    });

    test('more than the escrow holds: escrow_insufficient, unless a deposit is there by now', async () => {
        const gateOn = (...balances: bigint[]) => {
            const clock = new ManualClock(nowMs);
            const read = async () => {
                clock.advance(300);
                return account({ balanceNano: balances.shift() });
            };
            const book = new EscrowBook({ read, clock });
            return gateAndRequest({}, { bookOf: () => book });
        };
        const poor = await gateOn(worst - 1n, worst - 1n);
        expect(await refusalOf(poor.gate.admit(poor.sealed.envelope, hub))).toBe('escrow_insufficient');
        const topped = await gateOn(worst - 1n, worst);
        expect(await refusalOf(topped.gate.admit(topped.sealed.envelope, hub))).toBe('admitted');
    });

    test('a debt beyond the credit line: credit_line_reached', async () => {
        const { gate, sealed } = await gateAndRequest({}, { creditLineNano: worst - 1n });
        expect(await refusalOf(gate.admit(sealed.envelope, hub))).toBe('credit_line_reached');
    });
});

test('no refusal says anything of the request', async () => {
    const { gate, sealed } = await gateAndRequest({ body: Buffer.from('{"model":"toy","prompt":"swordfish"') });
    const error: unknown = await gate.admit(sealed.envelope, hub).catch((reason: unknown) => reason);
    expect((error as Error).message).not.toMatch(/swordfish|Unexpected|position/);
    expect((error as Error).cause).toBeUndefined();
});

test('a chain that lags back to an old epoch gets no second account', async () => {
    const { gate, keyring, setAccount, clock } = await gateAndRequest();
    const at = (epoch: number) => {
        clock.advance(10_000);
        setAccount(account({ epoch }));
        return sealRequest({ name: `epoch ${epoch} ${Math.random()}`, keyring, capNano: enough, epoch });
    };
    const old = await gate.admit((await at(3)).envelope, hub);
    const next = await gate.admit((await at(4)).envelope, hub);
    expect(next.meter).not.toBe(old.meter);
    expect(await refusalOf(gate.admit((await at(3)).envelope, hub))).toBe('escrow_unknown');
    expect((await gate.admit((await at(4)).envelope, hub)).meter).toBe(next.meter);
});

test('an escrow that is being closed gets no more windows, for what was begun under it too', async () => {
    const { gate, sealed, setAccount, clock } = await gateAndRequest();
    const request = await gate.admit(sealed.envelope, hub);
    const { requestId } = sealed.envelope.context;
    const raise = (allowanceNano: bigint) =>
        signCapRaise(bindingOfEnvelope(sealed.envelope), { requestId, allowanceNano, cumulativeNano: enough }, session);
    expect(await refusalOf(gate.raise(request, raise(worst + 1n)))).toBe('admitted');
    setAccount(account({ status: 'closing' }));
    clock.advance(10_000);
    expect(await refusalOf(gate.raise(request, raise(worst + 2n)))).toBe('escrow_unknown');
});
