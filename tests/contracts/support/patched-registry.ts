import { beginCell, toNano } from '@ton/core';
import { createShardAccount } from '@ton/sandbox';
import { loadRegistry$Data, Registry$Data, storeRegistry$Data } from '../../../build/Registry/Registry_Registry';
import { RegistryEnvironment } from './registry-environment';
import { budget } from '../../support/fee-config';

/** What thousands of messages would have made of the registry; it gets the storage reserve that goes with it. */
export async function patchRegistry(env: RegistryEnvironment, changes: Partial<Registry$Data>): Promise<void> {
    const { address } = env.registry;
    const contract = await env.blockchain.getContract(address);
    const state = contract.accountState;
    if (state?.type !== 'active' || !state.state.code || !state.state.data) throw new Error('no registry');
    // The first bit says that the fields are there, not the arguments of init.
    const fields = loadRegistry$Data(state.state.data.beginParse().skip(1));
    const data = beginCell()
        .storeBit(true)
        .store(storeRegistry$Data({ ...fields, ...changes }))
        .endCell();
    const addedNano = budget(toNano('300'));
    const balance = contract.balance + addedNano;
    env.money.minted(addedNano);
    const { code } = state.state;
    await env.blockchain.setShardAccount(address, createShardAccount({ address, code, data, balance }));
}
