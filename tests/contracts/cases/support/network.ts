import { toNano } from '@ton/core';
import { capDigest, Escrow, Payout, receiptDigest, SettlementLine } from '../../../../wrappers';
import { TestKey, testKey } from '../../support/ed25519';
import { createRegistry } from '../../support/registry-environment';
import { closeDelaySec, sessionLifeSec } from '../../support/settlement-environment';

const gas = toNano('2');

export type Network = Awaited<ReturnType<typeof createNetwork>>;

/** All contracts together: a registry with a bonded provider, a hub that belongs to it and a client with an open escrow. */
export async function createNetwork() {
    const env = await createRegistry();
    const { blockchain, registry, provider } = env;
    const operator = await wallet('hub operator');
    const client = await wallet('client');
    const network = registry.address.hash;
    const hub = blockchain.openContract(
        await Payout.createFromConfig({
            registry: registry.address,
            operator: operator.address,
            closeDelaySec,
            maxFeeBps: 1000,
            initialFeeBps: 0,
            salt: 0,
        }),
    );
    await hub.sendTopUp(operator.getSender(), { valueNano: toNano('10') });
    const escrow = blockchain.openContract(
        await Escrow.createFromConfig({ hub: hub.address, network, client: client.address, index: 0, closeDelaySec }),
    );
    const session = testKey('session');
    await escrow.sendOpen(client.getSender(), {
        sessionKey: session.publicKey,
        sessionExpiresAt: blockchain.now! + 30 * sessionLifeSec,
        valueNano: toNano('50'),
    });
    const { epoch } = await escrow.getState();

    /** The sandbox makes a wallet's money from nowhere. */
    async function wallet(name: string) {
        const before = env.money.leak();
        const made = await blockchain.treasury(name);
        env.money.minted(before - env.money.leak());
        return made;
    }

    function line(node: TestKey, cumulativeNano: bigint): SettlementLine {
        const scope = { network, escrow: escrow.address.hash, epoch, nodeKey: node.publicKey, cumulativeNano };
        const receipt = {
            ...scope,
            sessionKey: session.publicKey,
            sequence: 1,
            costNano: cumulativeNano,
            reference: Buffer.alloc(32, 7),
        };
        const cap = { ...scope, requestHash: Buffer.alloc(32, 9) };
        const signatures = {
            nodeSignature: node.sign(receiptDigest(receipt)),
            capSignature: session.sign(capDigest(cap)),
        };
        return { receipt, cap, ...signatures };
    }

    return {
        ...env,
        /** of the hub */
        hubOperator: operator,
        hub,
        escrow,
        line,
        wallet,
        /** From anyone: the provider tells the hub what it knows of the key. */
        async admit(nodeKey: Buffer, by = env.stranger) {
            return provider.sendRequestAdmission(by.getSender(), { nodeKey, hub: hub.address, valueNano: gas });
        },
        async settle(lines: readonly SettlementLine[]) {
            return hub.sendSettle(env.stranger.getSender(), { escrow: escrow.address, epoch, lines, valueNano: gas });
        },
        async paid(node: TestKey) {
            return escrow.getPaid(node.publicKey);
        },
    };
}
