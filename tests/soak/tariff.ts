import { Address, beginCell, Cell, ContractProvider, Message, toNano } from '@ton/core';
import { internal } from '@ton/sandbox';
import { storeCreateProvider, storeBond } from '../../build/Provider/Provider_Provider';
import { Provider } from '../../wrappers';
import { actor } from './actors';
import { ChainImage, SoakChain } from './chain';
import { bodyOf } from './encode';
import { Announced, plentyNano } from './model/arrival';
import { PriceLevels, priceName } from './prices';
import { endpointCell, Scene } from './scene';

type Tariff = Record<'escrow' | 'hub' | 'provider' | 'registry', Announced>;

const known = new Map<string, Promise<Tariff>>();

/**
 * What contracts announce at these prices; the same for all of one code, whatever their state.
 * @param governed a chain whose registry lists hubs; null: none does yet, and listing costs nothing
 */
export function tariffAt(prices: PriceLevels, scene: Scene, governed: ChainImage | null): Promise<Tariff> {
    const name = `${priceName(prices)} ${governed === null ? 'before' : 'with'} hub listings`;
    const found = known.get(name) ?? measure(prices, scene, governed);
    known.set(name, found);
    return found;
}

async function measure(prices: PriceLevels, scene: Scene, governed: ChainImage | null): Promise<Tariff> {
    const chain = await SoakChain.create();
    await chain.setPrices(prices);
    const [hub, escrow] = [scene.hubs[0]!, scene.escrows[0]!];
    const fresh = (contract: { address: Address; init: object | undefined }): ContractProvider =>
        chain.provider(contract.address, { init: contract.init as never, balanceNano: 1000n * plentyNano });
    const [atHub, atEscrow] = [fresh(hub), fresh(escrow)];
    const settleFees: bigint[] = [];
    for (let lines = 0; lines <= 12; lines += 1) settleFees.push(await hub.getSettleFee(atHub, lines));
    const common: Announced = {
        reserveNano: 0n,
        openFeeNano: await escrow.getOpenFee(atEscrow),
        topUpFeeNano: await escrow.getTopUpFee(atEscrow),
        settleFeeNano: (lines) => settleFees[lines]!,
        admitFeeNano: await hub.getAdmitFee(atHub),
        payFeeNano: await hub.getPayFee(atHub),
        pruneFeeNano: await hub.getPruneFee(atHub),
        bondFeeNano: await bondFee(chain, scene),
        refundFeeNano: await refundFee(chain, scene),
        ...(await listingFees(prices, scene, governed)),
    };
    const reserveOf = async (
        contract: { getState(provider: ContractProvider): Promise<{ storageReserveNano: bigint }> },
        at: ContractProvider,
    ) => (await contract.getState(at)).storageReserveNano;
    return {
        escrow: { ...common, reserveNano: await reserveOf(escrow, atEscrow) },
        hub: { ...common, reserveNano: await reserveOf(hub, atHub) },
        provider: common,
        registry: common,
    };
}

/** Measured on a provider that nobody uses: no getter tells it, but it may depend on nothing except prices. */
async function bondFee(chain: SoakChain, scene: Scene): Promise<bigint> {
    const owner = actor('stranger');
    const provider = await Provider.createFromConfig({ registry: scene.registry.address, owner });
    const value = plentyNano;
    const create = beginCell().store(storeCreateProvider({ $$type: 'CreateProvider', queryId: 0n, operatorKey: 0n }));
    await chain.run(
        internal({ from: owner, to: provider.address, value, body: create.endCell(), stateInit: provider.init! }),
    );
    const bond = beginCell().store(storeBond({ $$type: 'Bond', queryId: 0n }));
    await chain.run(internal({ from: owner, to: provider.address, value, body: bond.endCell() }));
    const { bondNano } = await provider.getState(chain.provider(provider.address));
    return value - bondNano;
}

/** What a charge that came back loses before it waits for its settler. */
async function refundFee(chain: SoakChain, scene: Scene): Promise<bigint> {
    const [hub, settler] = [scene.hubs[0]!, actor('settler 0')];
    const deploy = internal({
        from: settler,
        to: hub.address,
        value: plentyNano,
        body: topUpBody,
        stateInit: hub.init!,
    });
    await chain.run(deploy);
    const body = beginCell().storeUint(0xffffffff, 32).storeUint(chargeOpcode, 32).storeAddress(settler).endCell();
    const value = toNano('5');
    const bounced: Message = internal({
        from: scene.escrows[0]!.address,
        to: hub.address,
        value,
        body: bouncedBody(body),
        bounced: true,
        bounce: false,
    });
    await chain.run(bounced);
    return value - (await hub.getCredit(chain.provider(hub.address), settler));
}

/** Of a hub that is not listed, and again. */
async function listingFees(prices: PriceLevels, scene: Scene, governed: ChainImage | null) {
    if (governed === null) return { firstListingFeeNano: 0n, listingFeeNano: 0n };
    const chain = await SoakChain.create(governed);
    await chain.setPrices(prices);
    const [hub, { registry }] = [scene.hubs[0]!, scene];
    const from = actor('stranger');
    await chain.run(internal({ from, to: registry.address, value: 100n * plentyNano, body: topUpBody }));
    const value = 10n * plentyNano;
    const bondAfter = async () => {
        const body = await bodyOf((chain, sender) =>
            hub.sendAnnounce(chain, sender, { valueNano: 1n, endpoint: endpointCell }),
        );
        const announced = await chain.run(internal({ from: actor('operator 0'), to: hub.address, value, body }));
        const list = [...announced.transaction.outMessages.values()][0]!;
        await chain.run(list);
        const listing = await registry.getHub(chain.provider(registry.address), hub.address);
        const carried = list.info.type === 'internal' ? list.info.value.coins : 0n;
        return { carried, bond: listing?.bondNano ?? 0n };
    };
    const first = await bondAfter();
    const again = await bondAfter();
    return {
        firstListingFeeNano: first.carried - first.bond,
        listingFeeNano: again.carried - (again.bond - first.bond),
    };
}

const topUpOpcode = 0xc0c00102;
const chargeOpcode = 0xc0c00202;
const topUpBody = beginCell().storeUint(topUpOpcode, 32).storeUint(0, 64).endCell();

/** A bounced body keeps 256 bits after its mark, of which 32 are the opcode. */
function bouncedBody(body: Cell): Cell {
    return beginCell()
        .storeBits(body.beginParse().loadBits(32 + 256))
        .endCell();
}
