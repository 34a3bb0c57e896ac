import { beginCell, Builder, Cell, Dictionary, DictionaryValue } from '@ton/core';
import { createShardAccount } from '@ton/sandbox';
import { SettlementEnvironment, TestNode } from './settlement-environment';
import { sha256 } from '../../../wrappers';

const ownersPerPage = 16;
const noCredit = () => 0n;

/**
 * Writes `count` admitted nodes, each of its own owner with a credit (none unless given), into the hub's data, the given
 * ones among them: what thousands of admissions and settlements would leave, without running them.
 */
export async function fillHub(
    env: SettlementEnvironment,
    nodes: readonly TestNode[],
    count: number,
    nextCreditNano = noCredit,
): Promise<void> {
    const account = await env.blockchain.getContract(env.hub.address);
    const state = account.accountState;
    if (state?.type !== 'active' || !state.state.code || !state.state.data) throw new Error('the hub is not deployed');
    const data = state.state.data.beginParse();
    const head = beginCell().storeBits(data.loadBits(1 + 64));
    head.storeCoins(data.loadCoins()).storeCoins(data.loadCoins());
    data.loadMaybeRef();
    data.loadMaybeRef();
    head.storeMaybeRef(dictionaryCell(nodeEntries(nodes, count))).storeMaybeRef(creditRoot(count, nextCreditNano));
    const filled = head.storeSlice(data).endCell();
    const { code } = state.state;
    const share = { address: env.hub.address, code, data: filled, balance: account.balance };
    await env.blockchain.setShardAccount(env.hub.address, createShardAccount(share));
}

export interface RosterCounts {
    nodeCount?: number;
    ownerCount?: number;
    refundCount?: number;
}

/** Makes the hub believe that it has so many entries. */
export async function setRosterCounts(env: SettlementEnvironment, counts: RosterCounts): Promise<void> {
    const account = await env.blockchain.getContract(env.hub.address);
    const state = account.accountState;
    if (state?.type !== 'active' || !state.state.code || !state.state.data) throw new Error('the hub is not deployed');
    const { code, data } = state.state;
    const refs = [...data.refs];
    const roster = refs.pop()!.beginParse();
    const [nodeCount, ownerCount, refundCount] = [roster.loadUint(32), roster.loadUint(32), roster.loadUint(16)];
    const changed = beginCell()
        .storeUint(counts.nodeCount ?? nodeCount, 32)
        .storeUint(counts.ownerCount ?? ownerCount, 32)
        .storeUint(counts.refundCount ?? refundCount, 16)
        .storeSlice(roster);
    // Owners have pages, or there would be no place for the next one's.
    if (counts.ownerCount !== undefined) refs[1] = creditRoot(counts.ownerCount, noCredit);
    refs.push(changed.endCell());
    const changedData = refs
        .reduce((builder, ref) => builder.storeRef(ref), beginCell().storeBits(data.bits))
        .endCell();
    const share = { address: env.hub.address, code, data: changedData, balance: account.balance };
    await env.blockchain.setShardAccount(env.hub.address, createShardAccount(share));
}

function nodeEntries(nodes: readonly TestNode[], count: number): Dictionary<bigint, Cell> {
    const entries = Dictionary.empty(Dictionary.Keys.BigUint(64), inlineBits(552));
    for (let i = 0; i < count; i += 1) {
        const key = nodes[i]?.key.publicKey ?? sha256(Buffer.from(`filler ${i}`));
        const ownerId = nodes[i]?.owner.address.hash ?? sha256(Buffer.from(`owner of filler ${i}`));
        const suite = key.subarray(0, 12).every((byte) => byte === 0) ? 2 : 1;
        const record = beginCell().storeUint(ownerNumber(i, count), 32).storeUint(suite, 8).storeUint(0xffffffff, 32);
        record.storeUint(0, 32).storeBuffer(key.subarray(0, 24)).storeBuffer(ownerId);
        entries.set(key.readBigUInt64BE(24), record.endCell());
    }
    return entries;
}

/** The given nodes' owners lie on pages far apart, as random ones would. */
export function ownerNumber(index: number, count: number): number {
    return ((index * 211) % count) + 1;
}

/** Of as many owners as are numbered, from 1. */
function creditRoot(owners: number, nextCreditNano: () => bigint): Cell {
    const pages = Math.floor(owners / ownersPerPage) + 1;
    const trees = Array.from({ length: Math.min(pages, 4) }, (_, tree) =>
        creditTree(Math.ceil((pages - tree) / 4), nextCreditNano),
    );
    return trees.reduce((root, tree) => root.storeRef(tree), beginCell()).endCell();
}

/** `pages` pages: one, and four trees that share the others. */
function creditTree(pages: number, nextCreditNano: () => bigint): Cell {
    const page = beginCell();
    for (let i = 0; i < ownersPerPage; i += 1) page.storeUint(nextCreditNano(), 63);
    for (let child = 0; child < Math.min(pages - 1, 4); child += 1) {
        page.storeRef(creditTree(Math.ceil((pages - 1 - child) / 4), nextCreditNano));
    }
    return page.endCell();
}

function inlineBits(bits: number): DictionaryValue<Cell> {
    return {
        serialize: (cell, builder) => builder.storeSlice(cell.beginParse()),
        parse: (slice) => beginCell().storeBits(slice.loadBits(bits)).endCell(),
    };
}

function dictionaryCell<K extends bigint | number>(dictionary: Dictionary<K, Cell>): Cell {
    const builder = new Builder();
    dictionary.storeDirect(builder);
    return builder.endCell();
}
