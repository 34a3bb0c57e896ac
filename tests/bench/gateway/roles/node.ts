import path from 'node:path';
import { silentLogger, systemClock } from '../../../../keepers/base';
import { KemKeyring } from '../../../../keepers/confidential';
import { EscrowBook } from '../../../../keepers/dispatch';
import { NodeLog } from '../../../../keepers/ledger';
import { OpenAiCompatibleEngine } from '../../../../keepers/node/engine';
import { OfferBook } from '../../../../keepers/node/offers';
import { RequestGate } from '../../../../keepers/node/request-gate';
import { NodeService } from '../../../../keepers/node/service';
import * as bench from '../bench-network';
import { serveRole } from '../serve-role';

const { network, hub, node, maxConcurrency } = bench;
const clock = systemClock;
const keyring = new KemKeyring({ network, signer: node, clock });
const offers = new OfferBook({ ...bench, signer: node, clock });

/** The node as it is composed for real, X-Wing and durable log included, before the mock engine. */
async function start({ dispatcherUrl, upstreamUrl }: { dispatcherUrl: string; upstreamUrl: string }) {
    const book = new EscrowBook({ read: async (escrow) => bench.accountOf(escrow) });
    const gate = new RequestGate({
        network,
        nodeKey: node.publicKey,
        keyring,
        bookOf: () => book,
        offers: () => offers.standing(),
        creditLineNano: 1n << 80n,
        clock,
    });
    const service = new NodeService({
        network,
        dispatchers: [{ url: dispatcherUrl, hub }],
        signer: node,
        evidence: {
            bundle: bench.keyBundle().toString('base64'),
            quote: Buffer.from('quote').toString('base64'),
            collateral: null,
        },
        keyring,
        offers,
        gate,
        engine: new OpenAiCompatibleEngine({ baseUrl: upstreamUrl, maxConcurrency, maxWaiting: maxConcurrency }),
        log: await NodeLog.open(path.join(bench.ledgerFolder(), 'receipts.log')),
        clock,
        logger: silentLogger(),
    });
    await service.start();
    for (let tries = 0; !service.connected; tries++) {
        if (tries > 200) throw new Error('the node does not reach its dispatcher');
        await clock.sleep(50);
    }
    return { url: dispatcherUrl };
}

/** As they stand now: a long run outlives an offer. */
const terms = () => ({
    offer: offers.current.signed,
    certificates: keyring.certificates().map(({ signed }) => signed),
});

serveRole({ start, terms });
