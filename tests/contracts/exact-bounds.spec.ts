import { Address, beginCell, toNano } from '@ton/core';
import { Blockchain, createShardAccount, internal, SendMessageResult } from '@ton/sandbox';
import { Payout as PayoutBinding } from '../../build/Payout/Payout_Payout';
import { storeListHub } from '../../build/Registry/Registry_Registry';
import { buildSettlementLines, escrowErrors, Payout, payoutErrors, Registry } from '../../wrappers';
import { uint256 } from '../../wrappers/uint256';
import { testKey } from './support/ed25519';
import { keyRefusalTo, thrownBy } from './support/outcome';
import { bundle, createProvider, day, nodeKey, ProviderEnvironment } from './support/provider-environment';
import { createRegistry, parameters, RegistryEnvironment } from './support/registry-environment';
import { createSettlement, SettlementEnvironment, TestNode } from './support/settlement-environment';
import { exitCodeOf } from './support/settlement-outcomes';

// The last nanoTON at which a message is refused, and the first at which it is taken.

/** What an account holds, as if storage had eaten the rest. */
async function setBalance(blockchain: Blockchain, address: Address, balance: bigint): Promise<void> {
    const state = (await blockchain.getContract(address)).accountState;
    if (state?.type !== 'active' || !state.state.code || !state.state.data) throw new Error('nothing lives there');
    const { code, data } = state.state;
    await blockchain.setShardAccount(address, createShardAccount({ address, code, data, balance }));
}

describe('a hub that storage has left', () => {
    let env: SettlementEnvironment;

    beforeEach(async () => {
        env = await createSettlement({ feeBps: 250 });
    });

    const holding = (balance: bigint) => setBalance(env.blockchain, env.hub.address, balance);
    const refusalOf = (result: SendMessageResult) => payoutErrors.get(exitCodeOf(result, env.hub.address) ?? 0) ?? null;
    const reserve = async () => (await env.hub.getState()).storageReserveNano;

    it('just its reserve admits a node, and with a nanoTON less none', async () => {
        const node: TestNode = { key: testKey('late'), owner: env.settler };
        await holding((await reserve()) - 1n);
        expect(refusalOf(await env.admit(node))).toBe('Payout: storage reserve missing');
        await holding(await reserve());
        expect(refusalOf(await env.admit(node))).toBeNull();
    });

    it('just what it owes pays a provider, and with a nanoTON less does not', async () => {
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('4') })]);
        const { liabilitiesNano } = await env.hub.getState();
        const claim = () => env.hub.sendClaim(env.nodes[0]!.owner.getSender());
        await holding(liabilitiesNano - 1n);
        expect(refusalOf(await claim())).toBe('Payout: storage debt, top up first');
        await holding(liabilitiesNano);
        expect(refusalOf(await claim())).toBeNull();
    });

    it('just what it owes and its reserve pays the operator, and with a nanoTON less does not', async () => {
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('4') })]);
        const needed = (await env.hub.getState()).liabilitiesNano + (await reserve());
        const withdraw = () => env.hub.sendWithdrawFees(env.operator.getSender());
        await holding(needed - 1n);
        expect(refusalOf(await withdraw())).toBe('Payout: storage reserve missing');
        await holding(needed);
        expect(refusalOf(await withdraw())).toBeNull();
    });
});

describe('what comes back from an address without code', () => {
    it('is held from the first nanoTON above the cost of holding it', async () => {
        const env = await createSettlement();
        const heldAfter = async (value: bigint) => {
            const before = (await env.hub.getState()).liabilitiesNano;
            const result = await comeBack(env, value);
            const events = result.externals.map(({ body: event }) => event.beginParse().preloadUint(32));
            return {
                heldNano: (await env.hub.getState()).liabilitiesNano - before,
                told: events.includes(PayoutBinding.opcodes.RefundHeld),
            };
        };
        const { heldNano } = await heldAfter(toNano('1'));
        const cost = toNano('1') - heldNano;
        expect(await heldAfter(cost)).toEqual({ heldNano: 0n, told: false });
        expect(await heldAfter(cost + 1n)).toEqual({ heldNano: 1n, told: true });
    });
});

/** A charge of the settler's whose escrow does not exist, with so much value left. */
async function comeBack(env: SettlementEnvironment, value: bigint): Promise<SendMessageResult> {
    env.money.minted(value);
    const prefix = beginCell().storeAddress(env.settler.address).endCell().beginParse().loadUintBig(224);
    const body = beginCell()
        .storeUint(0xffffffff, 32)
        .storeUint(PayoutBinding.opcodes.Charge, 32)
        .storeUint(prefix, 224)
        .endCell();
    const message = { from: env.client.address, to: env.hub.address, value, body, bounce: false, bounced: true };
    return env.blockchain.sendMessage(internal(message));
}

describe('an escrow', () => {
    it('is topped up from the first nanoTON above the fee', async () => {
        const env = await createSettlement();
        const fee = await env.escrow.getTopUpFee();
        const topUp = async (valueNano: bigint) => {
            const result = await env.escrow.sendTopUp(env.client.getSender(), { valueNano });
            return escrowErrors.get(exitCodeOf(result, env.escrow.address) ?? 0) ?? null;
        };
        expect(await topUp(fee)).toBe('Escrow: value below fees');
        expect(await topUp(fee + 1n)).toBeNull();
    });
});

describe('a line with a reference that no field takes', () => {
    it('is none', async () => {
        const env = await createSettlement({ feeBps: 0 });
        const line = buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        const extended = beginCell().storeBits(line.bits);
        for (const ref of [...line.refs, ...line.refs, ...line.refs]) extended.storeRef(ref);
        const result = await env.settleCell(extended.endCell());
        expect(payoutErrors.get(exitCodeOf(result, env.hub.address) ?? 0)).toBe('Payout: no line passes');
    });
});

describe('a key that ends like that of a node', () => {
    it('earns nothing for the node, though it signs for itself', async () => {
        const env = await createSettlement({ feeBps: 0 });
        const own = testKey('own');
        const publicKey = Buffer.from(own.publicKey);
        publicKey[0]! ^= 1;
        const admitted: TestNode = { key: { ...own, publicKey }, owner: env.settler };
        await env.admit(admitted);
        await env.settle([env.line({ ...admitted, key: own }, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(env.settler.address)).toBe(0n);
    });
});

describe('a provider', () => {
    let env: ProviderEnvironment;

    beforeEach(async () => {
        env = await createProvider();
    });

    const bondNano = async () => (await env.provider.getState()).bondNano;

    it('gets a bond from the first nanoTON above the cost of a bond message', async () => {
        const before = await bondNano();
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('1') });
        const cost = toNano('1') - ((await bondNano()) - before);
        const bond = (valueNano: bigint) => env.provider.sendBond(env.stranger.getSender(), { valueNano });
        expect(thrownBy(await bond(cost), env.provider.address)).toBe('Provider: not enough value');
        expect(thrownBy(await bond(cost + 1n), env.provider.address)).toBeNull();
    });

    it('has a key for just the bond that it needs, and for a nanoTON less none', async () => {
        const bond = await bondNano();
        const refused = await env.record({ minBondNano: bond + 1n });
        expect(keyRefusalTo(refused, env.registry.address)).toBe('Provider: bond too small');
        await env.record({ minBondNano: bond });
        expect(await env.provider.getKey(nodeKey(0))).not.toBeNull();
    });

    it('remembers a revoked key when it has forgotten what it was', async () => {
        await env.record();
        await env.provider.sendRevokeKey(env.owner.getSender(), { nodeKey: nodeKey(0) });
        env.pass(30 * day);
        await env.record({ nodeKey: nodeKey(1), bundleHash: bundle(1) });
        expect(await env.provider.getKey(nodeKey(0))).toBeNull();
        const again = await env.record({ bundleHash: bundle(2) });
        expect(keyRefusalTo(again, env.registry.address)).toBe('Provider: key is revoked');
    });
});

describe('a registry', () => {
    let env: RegistryEnvironment;

    beforeEach(async () => {
        env = await createRegistry({ isBare: true });
    });

    it('is deployed with just the reserve for its storage, and with a nanoTON less not', async () => {
        const config = await env.registry.getState();
        const deploy = async (salt: number, valueNano: bigint) => {
            const other = env.blockchain.openContract(await Registry.createFromConfig({ ...config, salt }));
            return thrownBy(await other.sendDeploy(env.stranger.getSender(), { valueNano }), other.address);
        };
        expect(await deploy(2, config.storageReserveNano - 1n)).toBe('Registry: not enough value');
        expect(await deploy(3, config.storageReserveNano)).toBeNull();
    });

    it('lists a hub with just the bond that it asks for, and again without adding to it', async () => {
        const { address: hub, init } = await Payout.createFromConfig({ registry: env.registry.address, ...hubTerms() });
        const code = init!.code;
        await env.govern({ kind: 'allowHubCode', codeHash: code.hash(), codeDepth: code.depth(), name: 'hub 1' });
        const list = (value: bigint) => sendListing(hub, code.hash(), value);
        const bond = async () => (await env.registry.getHub(hub))!.bondNano;
        const before = env.blockchain.snapshot();
        await list(toNano('11'));
        const first = toNano('11') - (await bond()) + parameters.minHubBondNano;
        const listed = await bond();
        await list(toNano('1'));
        const again = toNano('1') - ((await bond()) - listed);
        await env.blockchain.loadFrom(before);
        expect(await list(first - 1n)).toBe('Registry: hub bond too small');
        expect(await list(first)).toBeNull();
        expect(await bond()).toBe(parameters.minHubBondNano);
        expect(await list(again - 1n)).toBe('Registry: hub bond too small');
        expect(await list(again)).toBeNull();
        expect(await bond()).toBe(parameters.minHubBondNano);
    });

    const hubTerms = () => ({
        operator: env.stranger.address,
        closeDelaySec: 600,
        maxFeeBps: 1_000,
        initialFeeBps: 500,
        salt: 0,
    });

    async function sendListing(from: Address, codeHash: Buffer, value: bigint): Promise<string | null> {
        const { operator, closeDelaySec, maxFeeBps, initialFeeBps, salt } = hubTerms();
        const listing = storeListHub({
            $$type: 'ListHub',
            queryId: 3n,
            codeHash: uint256('codeHash', codeHash),
            operator,
            closeDelaySec: BigInt(closeDelaySec),
            maxFeeBps: BigInt(maxFeeBps),
            initialFeeBps: BigInt(initialFeeBps),
            salt: BigInt(salt),
            endpoint: beginCell().storeBuffer(Buffer.from('https://dispatcher.example')).endCell(),
        });
        const body = beginCell().store(listing).endCell();
        const to = env.registry.address;
        return thrownBy(await env.blockchain.sendMessage(internal({ from, to, value, body, bounce: true })), to);
    }
});
