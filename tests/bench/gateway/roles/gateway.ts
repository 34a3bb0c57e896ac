import path from 'node:path';
import { silentLogger, systemClock } from '../../../../keepers/base';
import { verifyKemCertificate, verifyOffer } from '../../../../keepers/confidential';
import { EscrowBook } from '../../../../keepers/dispatch';
import { DispatcherClient } from '../../../../keepers/gateway/dispatcher-client';
import type { NodeDirectory } from '../../../../keepers/gateway/node-directory';
import { IdempotencyBook } from '../../../../keepers/gateway/idempotency/idempotency-book';
import { IdempotencyKeys } from '../../../../keepers/gateway/idempotency/idempotency-keys';
import { PickIndex } from '../../../../keepers/gateway/pick-index';
import { createGatewayServer } from '../../../../keepers/gateway/server';
import { GatewayService } from '../../../../keepers/gateway/service';
import type { TrustedNode } from '../../../../keepers/gateway/trusted-node';
import { GatewayLedger } from '../../../../keepers/ledger';
import { Address } from '@ton/core';
import { accountOf, escrow, hub, ledgerFolder, maxConcurrency, network, node, session } from '../bench-network';
import { serveRole } from '../serve-role';

const hubAddress = new Address(0, hub);

/** One node whose evidence counts as judged: attestation is another bench's subject. */
const directory = {
    trusted: [] as TrustedNode[],
    index: new PickIndex([]),
    offers: (model: string, capability: string) => directory.index.offers(model, capability),
    isUsable: () => true,
    waysTo: ({ dispatcherUrl: way }: { dispatcherUrl: string }) => [way],
    problem: '',
    evidence: new Map(),
    ban: (id: string, reason: string) => process.stderr.write(`banned ${id}: ${reason}\n`),
    avoid: (id: string, reason: string) => process.stderr.write(`avoided ${id}: ${reason}\n`),
    notBegun: ({ id }: TrustedNode) => process.stderr.write(`${id} did not begin\n`),
    leaveDispatcher: (url: string, reason: string) => process.stderr.write(`left ${url}: ${reason}\n`),
};

/** The gateway as it is composed for real: reserves, seals, opens, keeps receipts durably. */
async function start({ dispatcherUrl }: { dispatcherUrl: string }) {
    const book = new EscrowBook({ read: async (account) => accountOf(account) });
    const account = { hub: hubAddress, escrow, book };
    const ledger = new GatewayLedger({ file: path.join(ledgerFolder(), 'gateway.sqlite') });
    const service = new GatewayService({
        network,
        hubs: { main: account, accountAt: () => account, all: () => [account] },
        session,
        ledger,
        directory: directory as unknown as NodeDirectory,
        dispatchers: new Map([[dispatcherUrl, new DispatcherClient(dispatcherUrl)]]),
        maxOutputPriceNano: undefined,
        requestTimeoutMs: 300_000,
        clock: systemClock,
        logger: silentLogger(),
    });
    const idempotency = new IdempotencyBook({
        ledger,
        keys: new IdempotencyKeys(Buffer.alloc(32, 7)),
        logger: silentLogger(),
        clock: systemClock,
    });
    const server = createGatewayServer({
        service,
        idempotency,
        logger: silentLogger(),
        maxBodyBytes: 1024 * 1024,
        apiKeys: null,
    });
    return { url: await server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }) };
}

function terms(shown: { dispatcherUrl: string; offer: Uint8Array; certificates: Uint8Array[] }): void {
    const expected = { network, nodeKey: node.publicKey, nowSec: Math.floor(Date.now() / 1000) };
    const trusted: TrustedNode = {
        id: node.publicKey.toString('hex'),
        nodeKey: node.publicKey,
        dispatcherUrl: shown.dispatcherUrl,
        hub: hubAddress,
        bundle: {} as TrustedNode['bundle'],
        verdict: {} as TrustedNode['verdict'],
        gpu: null,
        offer: verifyOffer(Buffer.from(shown.offer), expected),
        certificates: shown.certificates.map((one) => verifyKemCertificate(Buffer.from(one), expected)),
        load: { inFlight: 0, queued: 0, maxConcurrency, firstFrameMsP50: null, failureShare: 0 },
        checkedAtMs: systemClock.monotonicMs(),
    };
    directory.trusted = [trusted];
    directory.index = new PickIndex(directory.trusted);
}

serveRole({ start, terms });
