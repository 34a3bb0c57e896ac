import { z } from 'zod';
import {
    addDrainActs,
    type NodeMetrics,
    type RoleTelemetry,
    type WatchedSender,
    type WatchedWallet,
    watchGasWallet,
    watchOutbox,
} from '../telemetry';
import type { NodeService } from './service';

export interface WatchedNode {
    telemetry: RoleTelemetry;
    metrics: NodeMetrics;
    service: NodeService;
    sender: WatchedSender & { wallet: WatchedWallet };
    gasLowNano: bigint | undefined;
    /** Attests the key again; resolves to its new not-after. */
    renew: () => Promise<number>;
    keyNotAfterSec: () => number;
    offerExpiresAtSec: () => number;
}

/** Two attestations with admission, at the fees of the sandbox. */
const defaultGasLowNano = 2_000_000_000n;

/** What a node shows of itself while it runs. It leaves the TEE: states and counts, nothing of a request. */
export function watchNode(node: WatchedNode): void {
    const { telemetry, metrics, service, sender, keyNotAfterSec, offerExpiresAtSec } = node;
    metrics.watch({
        inFlight: () => service.inFlight,
        connected: () => service.connected,
        engineReady: () => service.engineProblem === null,
        keyNotAfterSec,
        offerExpiresAtSec,
    });
    watchGasWallet(telemetry, sender.wallet, node.gasLowNano ?? defaultGasLowNano);
    watchOutbox(telemetry, sender);
    const { readiness } = telemetry;
    readiness.add('engine_not_ready', () => service.engineProblem);
    readiness.add('dispatcher_lost', () =>
        service.connected ? null : `no dispatcher is connected: ${service.activity.problem ?? 'dialling'}`,
    );
    readiness.add('key_expired', () =>
        keyNotAfterSec() * 1000 > Date.now() ? null : 'the key’s attestation is over: nobody may use it',
    );
    readiness.add('receipts_not_kept', () =>
        service.receiptProblem === null ? null : `receipts cannot be kept: ${service.receiptProblem}`,
    );
    telemetry.addStatus('node', () => ({
        ...service.activity,
        connected: service.connected,
        inFlight: service.inFlight,
        keyNotAfterSec: keyNotAfterSec(),
        offerExpiresAtSec: offerExpiresAtSec(),
    }));
    addDrainActs(telemetry, service);
    telemetry.addAct('attest', {
        description: 'take a new quote for the node’s key and have it recorded on chain, now',
        body: z.strictObject({}),
        run: async () => ({ keyNotAfterSec: await node.renew() }),
    });
}
