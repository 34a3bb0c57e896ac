import { Address, Cell, external, internal, toNano } from '@ton/core';
import { type KeyPair, keyPairFromSeed } from '@ton/crypto';
import { MultisigOrderBuilder, MultisigWallet } from '@ton/ton';
import { cancelProposal, deployRegistry, executeProposal, setParameters } from '../../../keepers/operator';
import { Registry } from '../../../wrappers';
import { createOperatorChain } from './operator-chain';

const delaySec = 3600;
const signers = [1, 2, 3].map((byte) => keyPairFromSeed(Buffer.alloc(32, byte)));
const [first, second, third] = signers as [KeyPair, KeyPair, KeyPair];
const walletId = 7;

/** A registry owned by a contract that two of three keys move, and somebody whose wallet may do nothing with it. */
async function start() {
    const chain = await createOperatorChain();
    const { blockchain } = chain;
    const anybody = await chain.actor('anybody');
    const publicKeys = signers.map(({ publicKey }) => publicKey);
    const multisig = new MultisigWallet(publicKeys, 0, walletId, 2);
    await multisig.deployInternal((await blockchain.treasury('funds')).getSender(), toNano('10'));

    const terms = { kind: 'development' as const, rootPublicKey: Buffer.alloc(64, 3), governanceDelaySec: delaySec };
    const guardian = Address.parse(`0:${'9'.repeat(64)}`);
    const deployed = await chain.run(
        anybody,
        deployRegistry(anybody, { ...terms, owner: multisig.address, guardian, salt: 0 }),
    );
    const registry = blockchain.openContract(Registry.createFromAddress(deployed.result!.address));

    /** What the script tells somebody who is not the owner to have sent: an amount and a body. */
    async function handedOver(act: Promise<unknown>): Promise<{ valueNano: bigint; body: Cell }> {
        const said = await act.then(
            () => 'the act was not refused',
            (error: Error) => error.message,
        );
        expect(said).toContain(multisig.address.toString());
        const [, valueNano, body] = /send (\d+) nanoTON to \S+ with this body.*: (\S+)$/.exec(said)!;
        return { valueNano: BigInt(valueNano!), body: Cell.fromBase64(body!) };
    }

    // The sandbox's own leaves external messages in its queue.
    const provider = blockchain.provider(multisig.address);
    provider.external = async (body) => void (await blockchain.sendMessage(external({ to: multisig.address, body })));

    /** The multisig's order for that message, with what one owner does to approve it. */
    function order({ valueNano: value, body }: { valueNano: bigint; body: Cell }) {
        const builder = new MultisigOrderBuilder(walletId, blockchain.now! + 3600 - Math.floor(Date.now() / 1000));
        builder.addMessage(internal({ to: registry.address, value, body, bounce: true }), 3);
        const built = builder.build();
        return { approve: ({ secretKey }: KeyPair) => multisig.sendOrder(built, secretKey, provider) };
    }

    return { chain, anybody, registry, handedOver, order };
}

describe('a registry that a multisig owns', () => {
    it('is changed by what the script hands over, once enough owners signed it, and anybody executes it', async () => {
        const { chain, anybody, registry, handedOver, order } = await start();
        const wanted = { registry: registry.address, minBondNano: toNano('33') };
        const proposing = order(await handedOver(setParameters(anybody, wanted)));

        await proposing.approve(first);
        expect(await registry.getProposals()).toEqual([]);
        await proposing.approve(second);
        const proposalId = (await registry.getProposals())[0]!.id;
        expect((await registry.getState()).minBondNano).not.toBe(toNano('33'));

        chain.advance(delaySec);
        await chain.run(anybody, executeProposal(anybody, { registry: registry.address, proposalId }));
        expect((await registry.getState()).minBondNano).toBe(toNano('33'));
    });

    it('takes a proposal back by what the script hands over', async () => {
        const { chain, anybody, registry, handedOver, order } = await start();
        const wanted = { registry: registry.address, minBondNano: toNano('33') };
        const proposing = order(await handedOver(setParameters(anybody, wanted)));
        await proposing.approve(second);
        await proposing.approve(third);
        const proposalId = (await registry.getProposals())[0]!.id;

        // The multisig keeps an order until it expires: the next one needs a later second.
        chain.advance(60);
        const cancelling = order(await handedOver(cancelProposal(anybody, { registry: registry.address, proposalId })));
        await cancelling.approve(first);
        expect(await registry.getProposals()).toHaveLength(1);
        await cancelling.approve(third);
        expect(await registry.getProposals()).toEqual([]);
    });
});
