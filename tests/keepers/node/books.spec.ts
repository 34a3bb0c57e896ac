import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ManualClock } from '../../../keepers/base';
import { verifyOffer } from '../../../keepers/confidential';
import { decodeOrphan } from '../../../keepers/dispatch';
import { ggufModelRoot, modelRootOf } from '../../../keepers/node';
import { OfferBook } from '../../../keepers/node/offers';
import { Orphanage } from '../../../keepers/node/orphanage';
import type { AdmittedRequest } from '../../../keepers/node/request-gate';
import { bytesOf } from '../confidential/exchange';
import { finalOf, hub, network, node, nowMs, opening, sealerOf, sealRequest } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();

describe('offers', () => {
    function bookAt() {
        const clock = new ManualClock(nowMs);
        const book = new OfferBook({
            network,
            signer: node,
            prices: { inputNano: 1n, cachedInputNano: 2n, outputNano: 3n, reasoningNano: 4n },
            modelRoot: bytesOf('root'),
            models: [{ id: 'toy', contextLength: 100, capabilities: ['chat.completions'] }],
            maxConcurrency: 3,
            clock,
        });
        return { book, clock };
    }

    test('the current one verifies and says what the engine has, at the node’s prices', () => {
        const { book } = bookAt();
        expect(book.renewIfDue()).toBe(true);
        const scope = { network, nodeKey: node.publicKey, nowSec: nowMs / 1000 };
        expect(verifyOffer(book.current.signed, scope)).toMatchObject({
            maxConcurrency: 3,
            models: [{ model: 'toy', outputNano: 3n, contextLength: 100 }],
        });
    });

    test('a new one is signed at half its life; the old one stands until it runs out', () => {
        const { book, clock } = bookAt();
        book.renewIfDue();
        const first = book.current;
        clock.advance(299_000);
        expect(book.renewIfDue()).toBe(false);
        clock.advance(1_000);
        expect(book.renewIfDue()).toBe(true);
        expect(book.standing().map(({ hash }) => hash)).toEqual([book.current.hash, first.hash]);
        clock.advance(300_000);
        expect(book.standing().map(({ hash }) => hash)).not.toContainEqual(first.hash);
    });

    test('a clock that was ahead leaves an offer that nobody takes yet: another is signed once it is right', () => {
        const { book, clock } = bookAt();
        book.renewIfDue();
        clock.advance(600_000);
        expect(book.renewIfDue()).toBe(true);
        clock.setBy(-540_000);
        expect(book.renewIfDue()).toBe(true);
        const nowSec = nowMs / 1000 + 60;
        expect(verifyOffer(book.current.signed, { network, nodeKey: node.publicKey, nowSec })).toBeDefined();
        expect(book.standing().every(({ issuedAtSec }) => issuedAtSec <= nowSec)).toBe(true);
        clock.setBy(-60_000);
        expect(book.renewIfDue()).toBe(false);
    });

    test('however long it runs, few are kept', () => {
        const { book, clock } = bookAt();
        for (let minutes = 0; minutes < 600; minutes++) {
            book.renewIfDue();
            clock.advance(60_000);
        }
        expect(book.standing().length).toBeLessThanOrEqual(2);
    });
});

describe('orphans', () => {
    async function orphan(name: string) {
        const request = await sealRequest({ name });
        const sealer = sealerOf(request);
        opening(sealer);
        return {
            requestId: request.requestId,
            admitted: request as unknown as AdmittedRequest,
            final: finalOf(sealer),
        };
    }

    test('a final receipt waits until a dispatcher of its hub has it', async () => {
        const { admitted, final, requestId } = await orphan('o1');
        const orphans = new Orphanage();
        orphans.add(admitted, final, hub);
        expect(orphans.all).toHaveLength(1);
        expect(decodeOrphan(orphans.all[0]!.orphan)!.payload.equals(final.payload)).toBe(true);
        orphans.taken(Buffer.alloc(16), hub);
        expect(orphans.all).toHaveLength(1);
        orphans.taken(requestId, bytesOf('another hub'));
        expect(orphans.all).toHaveLength(1);
        orphans.taken(requestId, hub);
        expect(orphans.all).toHaveLength(0);
    });

    test('the oldest go when too many wait', async () => {
        const orphans = new Orphanage(2);
        const all = await Promise.all(['o2', 'o3', 'o4'].map(orphan));
        for (const { admitted, final } of all) orphans.add(admitted, final, hub);
        expect(orphans.all.map(({ requestId }) => requestId)).toEqual([all[1]!.requestId, all[2]!.requestId]);
    });
});

describe('model roots', () => {
    test('are SHA256("CMod" | b8(model) | weights | n | b16(arguments))', () => {
        const weightsHash = bytesOf('weights');
        const written = Buffer.concat([
            Buffer.from('CMod'),
            Buffer.from([3]),
            Buffer.from('toy'),
            weightsHash,
            Buffer.from([2, 0, 1]),
            Buffer.from('a'),
            Buffer.from([0, 2]),
            Buffer.from('bc'),
        ]);
        const root = modelRootOf({ model: 'toy', weightsHash, engineArguments: ['a', 'bc'] });
        expect(root.equals(createHash('sha256').update(written).digest())).toBe(true);
    });

    test('name, weights and arguments each change them', async () => {
        const file = path.join(folder, 'weights.gguf');
        writeFileSync(file, 'weights');
        const root = await ggufModelRoot(file, 'toy');
        expect(root.equals(await ggufModelRoot(file, 'toy'))).toBe(true);
        expect(root.equals(await ggufModelRoot(file, 'toy2'))).toBe(false);
        writeFileSync(file, 'Weights');
        expect(root.equals(await ggufModelRoot(file, 'toy'))).toBe(false);
        const weightsHash = bytesOf('weights');
        const one = modelRootOf({ model: 'toy', weightsHash, engineArguments: ['ab', 'c'] });
        expect(one.equals(modelRootOf({ model: 'toy', weightsHash, engineArguments: ['a', 'bc'] }))).toBe(false);
    });
});
