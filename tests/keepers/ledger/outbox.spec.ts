import path from 'node:path';
import fc from 'fast-check';
import type { NewSend, SendFate } from '../../../keepers/base';
import { openOutboxFile, type OutboxEntry } from '../../../keepers/ledger';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let count = 0;
const open = (file = path.join(folder, `${count++}.sqlite`)) => ({ file, ...openOutboxFile({ file }) });

const wallet = '0:aa';
const intent = { kind: 'settle', key: 'escrow', owner: wallet, payload: '{"a":1}', atMs: 1 };

function send(slot: bigint, intentIds: bigint[], changes: Partial<NewSend> = {}): NewSend {
    const bytes = { bodyHash: Buffer.alloc(32, Number(slot)), boc: Buffer.from(`request ${slot}`) };
    const times = { validUntilSec: 100, signedAtSec: 40, sinceLt: 7n, atMs: 2 };
    return { wallet, slot, ...bytes, ...times, intentIds, estimatedFeeNano: 5n, ...changes };
}

describe('the outbox', () => {
    it('has the signed bytes again after the process ended between signing and sending', async () => {
        const first = open();
        const { id } = await first.outbox.record(intent);
        await first.outbox.recordSend(send(3n, [id]));
        await first.close();
        const { outbox, close } = open(first.file);
        const [found] = await outbox.openSends(wallet);
        expect(found).toMatchObject({ slot: 3n, validUntilSec: 100, signedAtSec: 40, sinceLt: 7n });
        expect(found!.boc).toEqual(Buffer.from('request 3'));
        expect(await outbox.lastSlot(wallet)).toBe(3n);
        expect(await outbox.open('settle')).toMatchObject([{ state: 'sent', sendFate: 'open', attempts: 1 }]);
        await close();
    });

    it('keeps one open intent of a kind and key, and renews what it wants', async () => {
        const { outbox, close } = open();
        const first = await outbox.record(intent);
        const again = await outbox.record({ ...intent, payload: '{"a":2}' });
        expect(again).toMatchObject({ id: first.id, payload: '{"a":2}', state: 'pending', attempts: 0 });
        await outbox.close(first.id, { state: 'confirmed', transactionHash: 'ab', atMs: 3 });
        expect(await outbox.open('settle')).toEqual([]);
        expect((await outbox.record(intent)).id).not.toBe(first.id);
        await close();
    });

    it('signs no intent a second time while the first request may be executed', async () => {
        const { outbox, close } = open();
        const { id } = await outbox.record(intent);
        const first = await outbox.recordSend(send(1n, [id]));
        await expect(outbox.record(intent)).rejects.toMatchObject({ code: 'intent_under_way' });
        await expect(outbox.recordSend(send(2n, [id]))).rejects.toMatchObject({ code: 'intent_under_way' });
        expect(await outbox.openSends(wallet)).toHaveLength(1);
        await outbox.closeSend(first.id, { fate: 'expired', transactionHash: null, atMs: 4 });
        expect(await outbox.recordSend(send(2n, [id]))).toMatchObject({ slot: 2n });
        await close();
    });

    it('signs no intent that a request has executed, even before its keeper closed it', async () => {
        const { outbox, close } = open();
        const { id } = await outbox.record(intent);
        const { id: sendId } = await outbox.recordSend(send(1n, [id]));
        await outbox.closeSend(sendId, { fate: 'executed', transactionHash: 'cd', atMs: 4 });
        await expect(outbox.recordSend(send(2n, [id]))).rejects.toMatchObject({ code: 'intent_under_way' });
        expect(await outbox.entry(id)).toMatchObject({ sendFate: 'executed', transactionHash: 'cd' });
        await close();
    });

    it('leaves an intent that another keeper of the same file is about to sign to it, unless that one is gone', async () => {
        const { outbox, close } = open();
        await outbox.record(intent);
        const rival = { ...intent, owner: '0:bb' };
        await expect(outbox.record({ ...rival, atMs: 200_000 })).rejects.toMatchObject({ code: 'intent_under_way' });
        expect(await outbox.record({ ...rival, atMs: 400_000 })).toMatchObject({ owner: '0:bb' });
        await close();
    });

    it('adds up what a wallet spent or may spend, by what is known of each request', async () => {
        const { outbox, close } = open();
        const sends = [];
        for (const slot of [1n, 2n, 3n, 4n])
            sends.push(await outbox.recordSend(send(slot, [], { atMs: Number(slot) })));
        await outbox.closeSend(sends[0]!.id, { fate: 'executed', transactionHash: 'a', atMs: 9 });
        await outbox.recordFee(sends[0]!.id, 2n);
        await outbox.closeSend(sends[1]!.id, { fate: 'expired', transactionHash: null, atMs: 9 });
        expect(await outbox.spentNano(wallet, 0)).toBe(2n + 5n + 5n);
        expect(await outbox.spentNano(wallet, 2)).toBe(5n + 5n);
        expect(await outbox.spentNano('0:bb', 0)).toBe(0n);
        await close();
    });

    it('counts what a request took within four times its estimate, whatever an endpoint makes up', async () => {
        const { outbox, close } = open();
        for (const [slot, feeNano, countedNano] of [
            [1n, 10n ** 12n, 160n],
            [2n, 1n, 10n],
            [3n, 55n, 55n],
        ] as const) {
            const { id } = await outbox.recordSend(send(slot, [], { wallet: `0:${slot}`, estimatedFeeNano: 40n }));
            await outbox.closeSend(id, { fate: 'executed', transactionHash: 'a', atMs: 9 });
            await outbox.recordFee(id, feeNano);
            expect(await outbox.spentNano(`0:${slot}`, 0)).toBe(countedNano);
        }
        const { id } = await outbox.recordSend(send(4n, [], { wallet: '0:4', estimatedFeeNano: 0n }));
        await outbox.closeSend(id, { fate: 'executed', transactionHash: 'a', atMs: 9 });
        await outbox.recordFee(id, 7n);
        expect(await outbox.spentNano('0:4', 0)).toBe(7n);
        await close();
    });

    type Step = 'record' | 'sign' | SendFate | 'close' | 'crash';
    const steps = fc.array(
        fc.constantFrom<Step>('record', 'sign', 'executed', 'expired', 'overtaken', 'untraced', 'close', 'crash'),
        { maxLength: 24 },
    );

    it('carries an intent by one request at a time, whatever happens in whatever order, also across crashes', async () => {
        await fc.assert(
            fc.asyncProperty(steps, async (list) => {
                const first = open();
                let { outbox, close } = first;
                let slot = 0n;
                let executions = 0;
                let current: OutboxEntry | null = null;
                for (const step of list) {
                    const fails = await act(step).then(
                        () => false,
                        () => true,
                    );
                    if (fails) expect(['record', 'sign', 'close']).toContain(step);
                    const sends = await outbox.openSends(wallet);
                    expect(sends.length).toBeLessThanOrEqual(1);
                    if (sends.length === 1) expect(current).toMatchObject({ state: 'sent', sendFate: 'open' });
                    expect(executions).toBeLessThanOrEqual(1);
                }
                await close();

                async function act(step: Step): Promise<void> {
                    if (step === 'crash') {
                        await close();
                        ({ outbox, close } = open(first.file));
                    } else if (step === 'record') {
                        const next = await outbox.record(intent);
                        // What an executed request came to is its keeper's to say: a new wish is a new intent.
                        if (next.id !== current?.id) executions = 0;
                        current = next;
                    } else if (current && step === 'sign') await outbox.recordSend(send(++slot, [current.id]));
                    else if (current && step === 'close')
                        await outbox.close(current.id, { state: 'confirmed', atMs: 5 });
                    else await closeSend(step as SendFate);
                    if (current) current = await outbox.entry(current.id);
                }

                async function closeSend(fate: SendFate): Promise<void> {
                    for (const { id } of await outbox.openSends(wallet)) {
                        if (fate === 'executed' || fate === 'untraced') executions++;
                        await outbox.closeSend(id, {
                            fate,
                            transactionHash: fate === 'executed' ? 'ff' : null,
                            atMs: 3,
                        });
                    }
                }
            }),
            { numRuns: 60 },
        );
    });
});
