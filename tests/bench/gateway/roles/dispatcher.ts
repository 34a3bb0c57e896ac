import path from 'node:path';
import { silentLogger, systemClock } from '../../../../keepers/base';
import { EscrowBook } from '../../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../../keepers/dispatcher';
import { openDispatchLedger } from '../../../../keepers/ledger';
import { accountOf, hub, ledgerFolder, maxConcurrency, network } from '../bench-network';
import { serveRole } from '../serve-role';
import { readTls } from '../tls-files';

/** The dispatcher as it is composed for real, over its real ledger; only the chain is answered from memory. */
async function start({ tls = false }: { tls?: boolean }) {
    const service = new DispatcherService({
        network,
        hub,
        ledger: await openDispatchLedger({ file: path.join(ledgerFolder(), 'dispatcher.sqlite') }),
        book: new EscrowBook({ read: async (escrow) => accountOf(escrow) }),
        isAdmitted: async () => true,
        queueLimitPerNode: maxConcurrency,
        clock: systemClock,
        logger: silentLogger(),
    });
    const server = createDispatcherServer({
        service,
        maxBodyBytes: 1024 * 1024,
        logger: silentLogger(),
        ...(tls && { tls: readTls() }),
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 });
    return { url: tls ? url.replace('127.0.0.1', 'localhost') : url };
}

serveRole({ start });
