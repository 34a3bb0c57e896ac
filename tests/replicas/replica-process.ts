import { silentLogger, systemClock } from '../../keepers/base';
import { EscrowBook } from '../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../keepers/dispatcher';
import { ReplicaSet } from '../../keepers/dispatcher/replica-set';
import { openDispatchLedger } from '../../keepers/ledger';
import { hub, network } from '../keepers/dispatch/sealed-request';
import { accountWith, type ReplicaArguments } from './terms';

/** One dispatcher replica as a process: real service, server, leases and ledger; the chain alone is a fixed escrow. */
async function main(): Promise<void> {
    const { id, port, database, balanceNano } = JSON.parse(process.argv[2]!) as ReplicaArguments;
    const [clock, logger] = [systemClock, silentLogger()];
    const ledger = await openDispatchLedger({ ...database, dispatcherId: id });
    const read = async () => accountWith(BigInt(balanceNano));
    const service = new DispatcherService({
        network,
        hub,
        ledger,
        book: new EscrowBook({ read }),
        isAdmitted: async () => true,
        queueLimitPerNode: 1_000,
        replicaUrls: () => replicas.urls,
        clock,
        logger,
    });
    const publicUrl = `http://127.0.0.1:${port}`;
    const onReplaced = () => process.exit(1);
    const replicas = new ReplicaSet({
        ledger,
        hub,
        id,
        publicUrl,
        onChange: () => service.tellReplicas(),
        onReplaced,
        clock,
        logger,
        leaseMs: 2_000,
    });
    await service.recover();
    await replicas.start();
    const server = createDispatcherServer({ service, maxBodyBytes: 1_000_000, logger });
    await server.listen({ host: '127.0.0.1', port });
    process.once('SIGTERM', () => {
        void (async () => {
            await service.drain(1_000);
            await replicas.stop();
            await server.close();
            await ledger.close();
            process.exit(0);
        })();
    });
    process.stdout.write('ready\n');
}

void main();
