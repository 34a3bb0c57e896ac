import { Address, type OpenedContract, type Sender } from '@ton/core';
import type { ChainClient, NetworkReader } from '../chain';
import { collectMessages } from '../chain';
import type { OutboxEntry } from '../ledger';
import type { IntentState, OutboxSender, RequestOutcome } from '../outbox';
import { Payout, Provider, Registry } from '../../wrappers';
import type { WatchAct } from './decide-acts';
import { ActDoneError } from './errors';

export interface ActPlace {
    client: ChainClient;
    reader: NetworkReader;
    sender: OutboxSender;
    registry: Address;
    hub: Address;
}

export const watchKinds = ['watch-slash', 'watch-recheck', 'watch-claim', 'watch-prune'] as const;

/** One act as an intent of the outbox, closed by what the chain shows, whoever did it. */
export function sendAct(place: ActPlace, act: WatchAct, estimatedFeeNano: bigint): Promise<RequestOutcome> {
    const { sender } = place;
    const notAfterSec = 'usefulUntilSec' in act ? act.usefulUntilSec : undefined;
    const intent = { kind: `watch-${act.kind}`, key: act.key, payload: payloadOf(act), notAfterSec };
    const messages = async () => {
        // Another watchdog may have been here since we looked.
        if ((await stateOf(place)(intent)) === 'done') throw new ActDoneError(act.kind);
        return collectMessages(sender.wallet.address, (via) => send(place, act, via));
    };
    return sender.send({
        intents: [intent],
        messages,
        stateOf: stateOf(place),
        estimatedFeeNano,
        timeoutMs: 120_000,
    });
}

/** What the chain shows of an act that this or an earlier process recorded. */
export function stateOf(
    place: ActPlace,
): (entry: Pick<OutboxEntry, 'kind' | 'key' | 'payload'>) => Promise<IntentState> {
    const { reader, hub, client, sender } = place;
    return async ({ kind, key, payload }) => {
        const nodeKey = Buffer.from(key, 'hex');
        if (kind === 'watch-claim') {
            const credit = await open(client, hub).getCredit(sender.wallet.address);
            return credit === 0n ? 'done' : 'undone';
        }
        const admitted = await reader.node(hub, nodeKey, { refresh: true });
        if (kind === 'watch-prune') return admitted === null ? 'done' : 'undone';
        if (kind === 'watch-recheck') return admitted === null || admitted.revokedAt !== null ? 'done' : 'undone';
        const recorded = await reader.providerKey(Address.parseRaw(payload), nodeKey, { refresh: true });
        return recorded === null || recorded.isSlashed ? 'done' : 'undone';
    };
}

function payloadOf(act: WatchAct): string {
    return act.kind === 'slash' ? act.evidence.provider.toRawString() : act.key;
}

function send({ client, registry, hub }: ActPlace, act: WatchAct, via: Sender): Promise<void> {
    switch (act.kind) {
        case 'recheck': {
            const { provider, nodeKey, distrusted } = act;
            const contract = client.open(Registry.createFromAddress(registry));
            return contract.sendRecheck(via, { provider, hub, nodeKey, distrusted });
        }
        case 'slash':
            return client.open(Provider.createFromAddress(act.evidence.provider)).sendSlash(via, act.evidence);
        case 'prune':
            return open(client, hub).sendPruneNode(via, { nodeKey: act.nodeKey });
        case 'claim':
            return open(client, hub).sendClaim(via);
    }
}

function open(client: ChainClient, hub: Address): OpenedContract<Payout> {
    return client.open(Payout.createFromAddress(hub));
}
