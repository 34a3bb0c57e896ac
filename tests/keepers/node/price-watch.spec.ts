import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { writePricesFile } from '../../../keepers/config';
import { OfferBook } from '../../../keepers/node/offers';
import { PriceWatch } from '../../../keepers/node/price-watch';
import { bytesOf } from '../confidential/exchange';
import { network, node, nowMs } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();
const configured = { inputNano: 4n, cachedInputNano: 1n, outputNano: 16n, reasoningNano: 16n };
const cheaper = { ...configured, outputNano: 8n };

function watched() {
    const file = path.join(folder, `${Math.random()}.json`);
    const models = ['toy', 'other'].map((id) => ({ id, contextLength: 100, capabilities: ['chat.completions'] }));
    const clock = new ManualClock(nowMs);
    const shared = { network, signer: node, modelRoot: bytesOf('root'), maxConcurrency: 3, clock };
    const offers = new OfferBook({ ...shared, prices: configured, models });
    const published: bigint[] = [];
    const watch = new PriceWatch({
        file,
        offers,
        publish: () => {
            if (offers.renewIfDue()) published.push(offers.current.models[0]!.outputNano);
        },
        logger: silentLogger(),
    });
    watch.load();
    offers.renewIfDue();
    return { file, offers, watch, published, clock };
}

test('new prices are in a new offer at once, for the model that they name', () => {
    const { file, offers, watch, published } = watched();
    writePricesFile(file, new Map([['toy', cheaper]]));
    watch.check();
    expect(published).toEqual([8n]);
    expect(offers.current.models.map(({ outputNano }) => outputNano)).toEqual([8n, 16n]);
});

test('the old offer stands for requests in flight until it expires', () => {
    const { file, offers, watch, clock } = watched();
    const old = offers.current;
    writePricesFile(file, new Map([['toy', cheaper]]));
    watch.check();
    expect(offers.standing().map(({ hash }) => hash)).toEqual([offers.current.hash, old.hash]);
    clock.advance(600_000);
    expect(offers.standing().map(({ hash }) => hash)).not.toContainEqual(old.hash);
});

test('the same prices again sign nothing', () => {
    const { file, watch, published } = watched();
    writePricesFile(file, new Map([['toy', cheaper]]));
    watch.check();
    watch.check();
    writePricesFile(file, new Map([['toy', { ...cheaper }]]));
    watch.check();
    expect(published).toEqual([8n]);
});

test('a file that is not valid changes nothing, and one that is again does', () => {
    const { file, offers, watch, published } = watched();
    writeFileSync(file, '{"version":1,"models":{"toy":{}}}');
    watch.check();
    expect(offers.current.models[0]!.outputNano).toBe(16n);
    writePricesFile(file, new Map([['toy', cheaper]]));
    watch.check();
    expect(published).toEqual([8n]);
});

test('a node does not start at other prices than those published', () => {
    const { file, watch } = watched();
    writeFileSync(file, 'not JSON');
    expect(() => watch.load()).toThrow(/is not JSON/);
});
