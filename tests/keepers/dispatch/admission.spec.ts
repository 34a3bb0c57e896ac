import { ManualClock } from '../../../keepers/base';
import { Admission, DispatchError, type EscrowAccount, EscrowBook } from '../../../keepers/dispatch';
import { type DispatchLedger } from '../../../keepers/ledger';
import { stranger } from '../confidential/exchange';
import { temporaryFolder } from '../ledger/temporary-folder';
import {
    account,
    escrow,
    network,
    nowMs,
    nowSec,
    opening,
    finalOf,
    sealerOf,
    sealRequest,
    type SealedRequest,
    session,
    usageCostNano,
} from './sealed-request';
import { onPostgres, openNewLedger } from '../../support/new-ledger';

const folder = temporaryFolder();
const ledgers: DispatchLedger[] = [];
afterEach(() => Promise.all(ledgers.splice(0).map((ledger) => ledger.close())));

async function admissionWith(answers: (EscrowAccount | null | Error)[], scope = network) {
    const ledger = await openNewLedger(folder);
    ledgers.push(ledger);
    const clock = new ManualClock(nowMs);
    let reads = 0;
    const read = jest.fn(async () => {
        // The chain is read again only after a moment.
        clock.advance(300);
        const answer = answers[Math.min(reads++, answers.length - 1)]!;
        if (answer instanceof Error) throw answer;
        return answer;
    });
    const book = new EscrowBook({ read, clock });
    return { admission: new Admission({ network: scope, book, ledger, clock }), ledger, clock, read };
}

async function refusalOf(act: Promise<unknown>): Promise<string> {
    try {
        await act;
    } catch (error) {
        if (error instanceof DispatchError) return error.code;
        throw error;
    }
    return 'admitted';
}

test('a paid request is admitted, and its cap is on disk then', async () => {
    const { admission, ledger } = await admissionWith([account()]);
    const { envelope, requestId } = await sealRequest({ name: 'a' });
    await admission.admit(envelope);
    expect(await ledger.requestState(requestId)).toMatchObject({ state: 'running', capCumulativeNano: 1_000_000n });
});

test('whoever passes a request on hears of it once, before its commit; of a refused one never', async () => {
    const { admission, ledger } = await admissionWith([account()]);
    const { envelope, requestId } = await sealRequest({ name: 'accepted' });
    const order: string[] = [];
    const stored: Promise<unknown>[] = [];
    const onHeard = () => {
        order.push('accepted');
        stored.push(ledger.requestState(requestId));
    };
    await admission.admit(envelope, onHeard).then(() => order.push('durable'));
    expect(order).toEqual(['accepted', 'durable']);
    const found = await Promise.all(stored);
    // At a database server, on a connection of its own, the question may come after the commit.
    if (!onPostgres) expect(found).toEqual([null]);
    const onAccepted = jest.fn();
    expect(await refusalOf(admission.admit(envelope, onAccepted))).toBe('request_replayed');
    const poor = await sealRequest({ name: 'not accepted', capNano: 1n << 60n, allowanceNano: 1n << 60n });
    expect(await refusalOf(admission.admit(poor.envelope, onAccepted))).toBe('escrow_insufficient');
    expect(onAccepted).not.toHaveBeenCalled();
});

describe('it refuses', () => {
    const cases: [string, string, Parameters<typeof sealRequest>[0], (EscrowAccount | null | Error)[]][] = [
        ['a deadline that has passed', 'deadline_passed', { name: 'b', deadlineMs: nowMs }, [account()]],
        [
            'a deadline beyond an hour and all clocks',
            'envelope_invalid',
            { name: 'c', deadlineMs: nowMs + 3_781_000 },
            [account()],
        ],
        ['an escrow that is none of the hub', 'escrow_unknown', { name: 'd' }, [null]],
        ['a closed escrow', 'escrow_unknown', { name: 'e' }, [account({ status: 'closed' })]],
        ['an escrow that is being closed', 'escrow_unknown', { name: 'e' }, [account({ status: 'closing' })]],
        ['another epoch', 'escrow_unknown', { name: 'f', epoch: 4 }, [account()]],
        ['a key that the escrow does not name', 'session_unknown', { name: 'g', signer: stranger }, [account()]],
        [
            'a key that has expired',
            'session_unknown',
            { name: 'h' },
            [account({ sessionKeys: [{ publicKey: session.publicKey, validUntilSec: nowSec - 1 }] })],
        ],
        ['more than the balance', 'escrow_insufficient', { name: 'i', allowanceNano: 10_000_001n }, [account()]],
        ['a cap that no store holds', 'cap_invalid', { name: 'j', capNano: 1n << 70n }, [account()]],
        ['anything while the chain cannot be read', 'chain_unavailable', { name: 'k' }, [new Error('no chain')]],
    ];
    test.each(cases)('%s: %s', async (_what, code, request, answers) => {
        const { admission, ledger } = await admissionWith(answers);
        const { envelope, requestId } = await sealRequest(request);
        expect(await refusalOf(admission.admit(envelope))).toBe(code);
        expect(await ledger.requestState(requestId)).toBeNull();
    });

    test('a request for another network: envelope_invalid', async () => {
        const { admission, read } = await admissionWith([account()], Buffer.alloc(32, 1));
        const { envelope } = await sealRequest({ name: 'l' });
        expect(await refusalOf(admission.admit(envelope))).toBe('envelope_invalid');
        expect(read).not.toHaveBeenCalled();
    });

    test('a cap that its session key has not signed: cap_invalid, before the chain is read', async () => {
        const { admission, read } = await admissionWith([account()]);
        const { envelope } = await sealRequest({ name: 'm' });
        const raised = { ...envelope, cap: { ...envelope.cap, cumulativeNano: 2_000_000n } };
        expect(await refusalOf(admission.admit(raised))).toBe('cap_invalid');
        expect(read).not.toHaveBeenCalled();
    });

    test('the same request twice: request_replayed', async () => {
        const { admission } = await admissionWith([account()]);
        const { envelope } = await sealRequest({ name: 'n' });
        await admission.admit(envelope);
        expect(await refusalOf(admission.admit(envelope))).toBe('request_replayed');
    });

    test('one of two copies that come at once: request_replayed', async () => {
        const { admission } = await admissionWith([account()]);
        const { envelope } = await sealRequest({ name: 'o' });
        const outcomes = await Promise.all([1, 2].map(() => refusalOf(admission.admit(envelope))));
        expect(outcomes.sort()).toEqual(['admitted', 'request_replayed']);
    });
});

describe('what is remembered of an escrow is read afresh once', () => {
    test('where its session key does not fit', async () => {
        const { admission, read } = await admissionWith([account({ sessionKeys: [] }), account()]);
        expect(await refusalOf(admission.admit((await sealRequest({ name: 'p' })).envelope))).toBe('admitted');
        expect(read).toHaveBeenCalledTimes(2);
    });

    test('where it seems not to exist', async () => {
        const { admission } = await admissionWith([null, account()]);
        expect(await refusalOf(admission.admit((await sealRequest({ name: 'q' })).envelope))).toBe('admitted');
    });

    test('where it seems to hold too little', async () => {
        const { admission, read } = await admissionWith([account({ balanceNano: 1n }), account()]);
        expect(await refusalOf(admission.admit((await sealRequest({ name: 'r' })).envelope))).toBe('admitted');
        expect(read).toHaveBeenCalledTimes(2);
    });

    test('and not a second time', async () => {
        const { admission, read } = await admissionWith([account({ balanceNano: 1n })]);
        expect(await refusalOf(admission.admit((await sealRequest({ name: 's' })).envelope))).toBe(
            'escrow_insufficient',
        );
        expect(read).toHaveBeenCalledTimes(2);
    });
});

describe('the funds rule', () => {
    test('caps of one node are sums: a second request reserves what it states, in whatever order the two come', async () => {
        const { admission } = await admissionWith([account({ balanceNano: 1_500n })]);
        const first = await sealRequest({ name: 't', capNano: 1_500n, allowanceNano: 500n });
        const second = await sealRequest({ name: 'u', capNano: 1_000n, allowanceNano: 1_000n });
        const third = await sealRequest({ name: 'v', capNano: 1_501n, allowanceNano: 1n });
        expect(await refusalOf(admission.admit(first.envelope))).toBe('admitted');
        expect(await refusalOf(admission.admit(second.envelope))).toBe('admitted');
        expect(await refusalOf(admission.admit(third.envelope))).toBe('escrow_insufficient');
    });

    test('a client that overlaps its requests gets no more work than its escrow pays for', async () => {
        const { admission, ledger } = await admissionWith([account({ balanceNano: 1_900n })]);
        const [first, overlapping] = await Promise.all([
            sealRequest({ name: 'o1', capNano: 1_000n, allowanceNano: 1_000n }),
            // The node has signed for less than the first may cost, so this cap, 100 above, pays for a whole request more.
            sealRequest({ name: 'o2', capNano: 1_100n, allowanceNano: 1_000n }),
        ]);
        await admission.admit(first.envelope);
        expect(await refusalOf(admission.admit(overlapping.envelope))).toBe('escrow_insufficient');
        await record(ledger, first);
        expect(await refusalOf(admission.admit(overlapping.envelope))).toBe('admitted');
        expect(await ledger.outstandingNano(escrow, 3, { paidNano: new Map() })).toBe(usageCostNano + 1_000n);
    });

    test('what was paid on chain is owed no more', async () => {
        const paid = account({ balanceNano: 600n });
        const { admission } = await admissionWith([
            {
                ...paid,
                paidNano: new Map([
                    [(await sealRequest({ name: 'w' })).envelope.context.nodeKey.toString('hex'), 400n],
                ]),
            },
        ]);
        const { envelope } = await sealRequest({ name: 'x', capNano: 1_000n, allowanceNano: 1_000n });
        expect(await refusalOf(admission.admit(envelope))).toBe('admitted');
    });

    test('a refused request gives its reservation back, a lost one keeps it, a final receipt frees the rest', async () => {
        const { admission, ledger } = await admissionWith([account({ balanceNano: 2_000n })]);
        const [a, b, c, d] = await Promise.all([
            sealRequest({ name: 'y1', capNano: 2_000n, allowanceNano: 2_000n }),
            sealRequest({ name: 'y2', capNano: 2_000n, allowanceNano: 2_000n }),
            sealRequest({ name: 'y3', capNano: 3_000n, allowanceNano: 1_000n }),
            sealRequest({ name: 'y4', capNano: usageCostNano + 1_000n, allowanceNano: 1_000n }),
        ]);
        await admission.admit(a.envelope);
        await ledger.closeRequest(a.requestId, 'refused', { atMs: nowMs });
        await admission.admit(b.envelope);
        await ledger.closeRequest(b.requestId, 'lost', { atMs: nowMs });
        expect(await refusalOf(admission.admit(c.envelope))).toBe('escrow_insufficient');
        expect(usageCostNano).toBeLessThanOrEqual(1_000n);
        await record(ledger, b);
        expect(await refusalOf(admission.admit(d.envelope))).toBe('admitted');
    });
});

describe('what a node has worked for unrecorded', () => {
    test('is written down whatever the escrow holds and owes its other nodes', async () => {
        const { admission, ledger } = await admissionWith([account({ balanceNano: 1n })]);
        const { envelope, requestId } = await sealRequest({ name: 'z', capNano: 500n, allowanceNano: 500n });
        const { context, cap, sessionKey, requestHash, capSignature } = envelope;
        const { epoch, nodeKey, offerHash } = context;
        const owed = { requestId, escrow, epoch, sessionKey, requestHash, offerHash, capSignature };
        const capCumulativeNano = 1_000_000n;
        await ledger.recordCap({
            ...owed,
            requestId: Buffer.alloc(16, 1),
            nodeKey: Buffer.alloc(32, 1),
            capCumulativeNano,
            funds: { balanceNano: capCumulativeNano, paidNano: new Map() },
            atMs: nowMs,
        });
        await admission.recordOwed({ ...owed, nodeKey, capCumulativeNano: cap.cumulativeNano }, usageCostNano);
        expect(await ledger.requestState(requestId)).toMatchObject({ state: 'running', capCumulativeNano: 500n });
        const paidNano = new Map<string, bigint>();
        expect(await ledger.outstandingNano(escrow, epoch, { paidNano })).toBe(capCumulativeNano + usageCostNano);
    });
});

/** The request's final receipt, the first of its stream. */
async function record(ledger: DispatchLedger, request: SealedRequest): Promise<void> {
    const sealer = sealerOf(request);
    opening(sealer);
    const { receipt, nodeSignature, usageHash, transcriptHash } = finalOf(sealer);
    await ledger.recordReceipt({
        requestId: request.requestId,
        escrow,
        epoch: 3,
        receipt,
        signature: nodeSignature,
        usageHash,
        transcriptHash,
        final: true,
        receivedAtMs: nowMs,
    });
}
