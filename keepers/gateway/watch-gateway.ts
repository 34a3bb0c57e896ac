import { z } from 'zod';
import type { GatewayLedger } from '../ledger';
import { type GatewayMetrics, type RoleTelemetry, Sampler } from '../telemetry';
import type { GatewayHubs } from './gateway-hubs';
import type { NodeDirectory } from './node-directory';
import type { GatewayService } from './service';

export interface WatchedGateway {
    service: GatewayService;
    metrics: GatewayMetrics;
    telemetry: RoleTelemetry;
    hubs: GatewayHubs;
    directory: NodeDirectory;
    ledger: GatewayLedger;
}

const accountIntervalMs = 60_000;

/** What a gateway shows of itself while it runs; all of it is its client's own. */
export function watchGateway({ service, metrics, telemetry, hubs, directory, ledger }: WatchedGateway): void {
    const accounts = telemetry.addSampler(
        new Sampler({ read: () => readAccounts(hubs), intervalMs: accountIntervalMs, staleAfterMs: 600_000 }),
    );
    metrics.watch({
        trustedNodes: () => directory.trusted.length,
        refusedNodes: () => countRefused(directory),
        sums: () => {
            const { costNano, openNano } = ledger.totals();
            return { spentNano: costNano, reservedNano: openNano };
        },
        escrowNano: () => accounts.value?.balanceNano,
        sessionEndSec: () => accounts.value?.sessionEndSec ?? undefined,
    });
    telemetry.readiness.add('no_node', () =>
        directory.trusted.length === 0 ? 'no node is trusted: cocoon verify node says why of each' : null,
    );
    telemetry.readiness.add('directory_unread', () => directory.problem || null);
    telemetry.addStatus('gateway', async () => ({ ...(await service.view.status()), inFlight: service.inFlight }));
    telemetry.addAct('refresh', {
        description: 'read hubs and directories again and judge every node that is due, now',
        body: z.strictObject({}),
        run: async () => {
            await hubs.refresh();
            await directory.refresh();
            return { trustedNodes: directory.trusted.length };
        },
    });
}

function countRefused(directory: NodeDirectory): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { refusal } of directory.evidence.values())
        if (refusal !== null) counts.set(refusal.code, (counts.get(refusal.code) ?? 0) + 1);
    return counts;
}

async function readAccounts(hubs: GatewayHubs): Promise<{ balanceNano: bigint; sessionEndSec: number | null }> {
    const accounts = await Promise.all(hubs.all().map(({ book, escrow }) => book.get(escrow)));
    const open = accounts.filter((account) => account?.status === 'open');
    const ends = open.map((account) => account!.sessionKeys[0]?.validUntilSec ?? 0);
    return {
        balanceNano: open.reduce((sum, account) => sum + account!.balanceNano, 0n),
        sessionEndSec: ends.length === 0 ? null : Math.min(...ends),
    };
}
