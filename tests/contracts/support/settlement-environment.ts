import { Address, beginCell, Cell, toNano } from '@ton/core';
import { internal, SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox';
import { storeAdmitNode, storeSettle } from '../../../build/Payout/Payout_Payout';
import { Provider as ProviderBinding } from '../../../build/Provider/Provider_Provider';
import { capDigest, Escrow, Payout, Receipt, receiptDigest, ReceiptScope, SettlementLine } from '../../../wrappers';
import { budget, createBlockchain } from '../../support/fee-config';
import { watchMoney } from './conservation';
import { TestKey, testKey } from './ed25519';

export const startTime = 1_900_000_000;
export const closeDelaySec = 3600;
export const sessionLifeSec = 86_400;

export interface TestNode {
    key: TestKey;
    owner: SandboxContract<TreasuryContract>;
}

export interface LineOptions {
    receiptNano: bigint;
    /** as much as the receipt unless given */
    capNano?: bigint;
    sequence?: number;
    session?: TestKey;
    /** where the receipt and the cap count; the escrow's own scope unless given */
    scope?: Partial<ReceiptScope>;
    capScope?: Partial<ReceiptScope>;
    /** who signs in the node's place */
    nodeSigner?: TestKey;
    /** who signs in the session key's place */
    capSigner?: TestKey;
}

export interface AdmitOptions {
    notAfter?: number;
    revokedAt?: number;
    suite?: number;
    from?: Address;
    owner?: Address;
    valueNano?: bigint;
    hub?: Address;
}

export type SettlementEnvironment = Awaited<ReturnType<typeof createSettlement>>;

/** A hub with admitted nodes and an open escrow, on a chain whose clock the test moves by hand. */
export async function createSettlement(options: { nodes?: number; feeBps?: number; depositNano?: bigint } = {}) {
    const blockchain = await createBlockchain();
    blockchain.now = startTime;
    const [registry, operator, client, settler] = [
        await blockchain.treasury('registry'),
        await blockchain.treasury('operator'),
        await blockchain.treasury('client'),
        await blockchain.treasury('settler'),
    ] as const;
    const nodes: TestNode[] = [];
    for (let i = 0; i < (options.nodes ?? 1); i += 1) {
        const node = { key: testKey(`node ${i}`), owner: await blockchain.treasury(`owner ${i}`) };
        nodes.push(node);
    }
    const network = registry.address.hash;
    const hub = blockchain.openContract(
        await Payout.createFromConfig({
            registry: registry.address,
            operator: operator.address,
            closeDelaySec,
            maxFeeBps: 1000,
            initialFeeBps: options.feeBps ?? 250,
            salt: 0,
        }),
    );
    const money = await watchMoney(blockchain);
    await hub.sendTopUp(operator.getSender(), { valueNano: budget(toNano('1')) });
    const escrow = blockchain.openContract(
        await Escrow.createFromConfig({ hub: hub.address, network, client: client.address, index: 0, closeDelaySec }),
    );
    const session = testKey('session');

    async function admit(node: TestNode, admission: AdmitOptions = {}): Promise<SendMessageResult> {
        const owner = admission.owner ?? node.owner.address;
        const provider = await ProviderBinding.fromInit(registry.address, owner);
        const body = beginCell().store(
            storeAdmitNode({
                $$type: 'AdmitNode',
                queryId: 1n,
                ticket: 0n,
                owner,
                nodeKey: BigInt('0x' + node.key.publicKey.toString('hex')),
                suite: BigInt(admission.suite ?? 1),
                notAfter: BigInt(admission.notAfter ?? startTime + 3 * 86_400),
                revokedAt: BigInt(admission.revokedAt ?? 0),
                responseTo: settler.address,
            }),
        );
        const value = admission.valueNano ?? budget(toNano('1'));
        money.minted(value);
        return blockchain.sendMessage(
            internal({
                from: admission.from ?? provider.address,
                to: admission.hub ?? hub.address,
                value,
                body: body.endCell(),
                bounce: true,
            }),
        );
    }

    for (const node of nodes) await admit(node);

    async function open(valueNano = (options.depositNano ?? toNano('10')) + budget(toNano('0.15'))) {
        const sessionExpiresAt = blockchain.now! + sessionLifeSec;
        return escrow.sendOpen(client.getSender(), { sessionKey: session.publicKey, sessionExpiresAt, valueNano });
    }
    await open();
    let epoch = (await escrow.getState()).epoch;

    function line(node: TestNode, lineOptions: LineOptions): SettlementLine {
        const scope = { network, escrow: escrow.address.hash, epoch };
        const receipt: Receipt = {
            ...scope,
            ...lineOptions.scope,
            nodeKey: node.key.publicKey,
            sessionKey: (lineOptions.session ?? session).publicKey,
            sequence: lineOptions.sequence ?? 1,
            costNano: lineOptions.receiptNano,
            cumulativeNano: lineOptions.receiptNano,
            reference: Buffer.alloc(32, 7),
        };
        const cap = {
            ...scope,
            ...lineOptions.scope,
            ...lineOptions.capScope,
            nodeKey: node.key.publicKey,
            cumulativeNano: lineOptions.capNano ?? lineOptions.receiptNano,
            requestHash: Buffer.alloc(32, 9),
        };
        return {
            receipt,
            nodeSignature: (lineOptions.nodeSigner ?? node.key).sign(receiptDigest(receipt)),
            cap,
            capSignature: (lineOptions.capSigner ?? lineOptions.session ?? session).sign(capDigest(cap)),
        };
    }

    async function settle(
        lines: readonly SettlementLine[],
        settleOptions: { epoch?: number; valueNano?: bigint; queryId?: bigint; escrow?: Address } = {},
    ): Promise<SendMessageResult> {
        return hub.sendSettle(settler.getSender(), { escrow: escrow.address, epoch, lines, ...settleOptions });
    }

    /** Lines as no wrapper would build them. */
    async function settleCell(lines: Cell): Promise<SendMessageResult> {
        const value = await hub.getSettleFee(10);
        const settleMessage = { queryId: 0n, escrow: escrow.address, epoch: BigInt(epoch), lines };
        const body = beginCell().store(storeSettle({ $$type: 'Settle', ...settleMessage }));
        return settler.send({ to: hub.address, value, body: body.endCell() });
    }

    return {
        blockchain,
        registry,
        operator,
        client,
        settler,
        network,
        hub,
        escrow,
        session,
        nodes,
        admit,
        open,
        line,
        settle,
        settleCell,
        /** After another OpenEscrow: receipts made from here on are of the new epoch. */
        async enterEpoch() {
            epoch = (await escrow.getState()).epoch;
            return epoch;
        },
        get epoch() {
            return epoch;
        },
        at(time: number) {
            blockchain.now = time;
        },
        money,
    };
}
