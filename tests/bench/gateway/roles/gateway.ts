import path from 'node:path';
import { silentLogger, systemClock } from '../../../../keepers/base';
import { verifyKemCertificate, verifyOffer } from '../../../../keepers/confidential';
import { EscrowBook } from '../../../../keepers/dispatch';
import { DispatcherClient } from '../../../../keepers/gateway/dispatcher-client';
import type { NodeDirectory } from '../../../../keepers/gateway/node-directory';
import { PickIndex } from '../../../../keepers/gateway/pick-index';
import { createGatewayServer } from '../../../../keepers/gateway/server';
import { GatewayService } from '../../../../keepers/gateway/service';
import type { TrustedNode } from '../../../../keepers/gateway/trusted-node';
import { GatewayLedger } from '../../../../keepers/ledger';
import { accountOf, escrow, ledgerFolder, maxConcurrency, network, node, session } from '../bench-network';
import { serveRole } from '../serve-role';

/** One node whose evidence counts as judged: attestation is another bench's subject. */
const directory = {
    trusted: [] as TrustedNode[],
    index: new PickIndex([]),
    offers: (model: string, capability: string) => directory.index.offers(model, capability),
    isUsable: () => true,
    problem: '',
    evidence: new Map(),
    ban: (id: string, reason: string) => process.stderr.write(`banned ${id}: ${reason}\n`),
    avoid: (id: string, reason: string) => process.stderr.write(`avoided ${id}: ${reason}\n`),
};

/** The gateway as it is composed for real: reserves, seals, opens, keeps receipts durably. */
async function start({ dispatcherUrl }: { dispatcherUrl: string }) {
    const service = new GatewayService({
        network,
        escrow,
        session,
        ledger: new GatewayLedger({ file: path.join(ledgerFolder(), 'gateway.sqlite') }),
        book: new EscrowBook({ read: async (account) => accountOf(account) }),
        directory: directory as unknown as NodeDirectory,
        dispatchers: new Map([[dispatcherUrl, new DispatcherClient(dispatcherUrl)]]),
        maxOutputPriceNano: undefined,
        requestTimeoutMs: 300_000,
        clock: systemClock,
        logger: silentLogger(),
    });
    const server = createGatewayServer({ service, logger: silentLogger(), maxBodyBytes: 1024 * 1024, apiKeys: null });
    return { url: await server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }) };
}

function terms(shown: { dispatcherUrl: string; offer: Uint8Array; certificates: Uint8Array[] }): void {
    const expected = { network, nodeKey: node.publicKey, nowSec: Math.floor(Date.now() / 1000) };
    const trusted: TrustedNode = {
        id: node.publicKey.toString('hex'),
        nodeKey: node.publicKey,
        dispatcherUrl: shown.dispatcherUrl,
        bundle: {} as TrustedNode['bundle'],
        verdict: {} as TrustedNode['verdict'],
        gpu: null,
        offer: verifyOffer(Buffer.from(shown.offer), expected),
        certificates: shown.certificates.map((one) => verifyKemCertificate(Buffer.from(one), expected)),
        load: { inFlight: 0, queued: 0, maxConcurrency, firstFrameMsP50: null, failureShare: 0 },
        checkedAtMs: Date.now(),
    };
    directory.trusted = [trusted];
    directory.index = new PickIndex(directory.trusted);
}

serveRole({ start, terms });
