import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { internal, SendMessageResult } from '@ton/sandbox';
import {
    loadHubListed,
    loadHubUnlisted,
    Registry as RegistryBinding,
    storeListHub,
    storeUnlistHub,
} from '../../build/Registry/Registry_Registry';
import { Payout, Registry } from '../../wrappers';
import { uint256 } from '../../wrappers/uint256';
import { patchRegistry } from './support/patched-registry';
import { bodyTo, comparable, eventOf, thrownBy, valueTo } from './support/outcome';
import {
    createRegistry,
    day,
    governanceDelaySec,
    parameters,
    RegistryEnvironment,
} from './support/registry-environment';
import { atPrices, budget } from '../support/fee-config';
import { tonClientOf } from '../support/ton-client-of';

const { opcodes } = RegistryBinding;
const url = 'https://dispatcher.example:8443/v1';
const text = (value: string) => beginCell().storeBuffer(Buffer.from(value, 'latin1')).endCell();

let env: RegistryEnvironment;
let terms: HubTerms;
let code: Cell;

interface HubTerms {
    operator: Address;
    closeDelaySec: number;
    maxFeeBps: number;
    initialFeeBps: number;
    salt: number;
}

const payoutOf = (changes: Partial<HubTerms> = {}) =>
    Payout.createFromConfig({ registry: env.registry.address, ...terms, ...changes });

beforeEach(async () => {
    env = await createRegistry({ isBare: true });
    terms = { operator: env.stranger.address, closeDelaySec: 600, maxFeeBps: 1_000, initialFeeBps: 500, salt: 0 };
    code = (await payoutOf()).init!.code;
});

/** Every test ends with this: no nanoTON was lost or made, and the balance covers bonds and storage. */
afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { hubBondsNano, storageReserveNano } = await env.registry.getState();
    const bonds = [...(await env.registry.getHubs()).values()].reduce((sum, { bondNano }) => sum + bondNano, 0n);
    expect(hubBondsNano).toBe(bonds);
    expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(bonds + storageReserveNano);
});

const allowCode = () =>
    env.govern({ kind: 'allowHubCode', codeHash: code.hash(), codeDepth: code.depth(), name: 'hub 1' });

interface Listing extends Partial<HubTerms> {
    /** who sends it, when not the hub of these terms */
    from?: Address;
    codeHash?: Buffer;
    endpoint?: Cell;
    valueNano?: bigint;
    bounce?: boolean;
}

/** ListHub as the hub of these terms would send it. */
async function list(listing: Listing = {}): Promise<SendMessageResult> {
    const all = { ...terms, ...listing };
    const body = beginCell()
        .store(
            storeListHub({
                $$type: 'ListHub',
                queryId: 3n,
                codeHash: uint256('codeHash', listing.codeHash ?? code.hash()),
                operator: all.operator,
                closeDelaySec: BigInt(all.closeDelaySec),
                maxFeeBps: BigInt(all.maxFeeBps),
                initialFeeBps: BigInt(all.initialFeeBps),
                salt: BigInt(all.salt),
                endpoint: listing.endpoint ?? text(url),
            }),
        )
        .endCell();
    const from = listing.from ?? (await payoutOf(listing)).address;
    return send(from, body, listing.valueNano ?? toNano('11'));
}

async function send(from: Address, body: Cell, value: bigint): Promise<SendMessageResult> {
    env.money.minted(value);
    return env.blockchain.sendMessage(internal({ from, to: env.registry.address, value, body, bounce: true }));
}

async function unlist(from: Address, valueNano = budget(toNano('0.1'))): Promise<SendMessageResult> {
    const body = beginCell()
        .store(storeUnlistHub({ $$type: 'UnlistHub', queryId: 4n }))
        .endCell();
    return send(from, body, valueNano);
}

async function expectRefused(reason: string, listing: Listing) {
    const [before, hubs] = [comparable(await env.registry.getState()), await env.registry.getHubs()];
    const result = await list(listing);
    expect(thrownBy(result, env.registry.address)).toBe(reason);
    expect(comparable(await env.registry.getState())).toEqual(before);
    expect(await env.registry.getHubs()).toEqual(hubs);
}

async function expectListed(listing: Listing = {}) {
    const result = await list(listing);
    expect(thrownBy(result, env.registry.address)).toBeNull();
    return result;
}

describe('a hub', () => {
    it('is listed at the address that the wrapper computes, with what is left of its value as bond', async () => {
        await allowCode();
        const result = await expectListed();
        const hub = (await payoutOf()).address;
        const listing = (await env.registry.getHub(hub))!;
        expect(listing).toMatchObject({ endpoint: url, codeHash: code.hash() });
        expect(listing.bondNano).toBeGreaterThan(toNano('11') - atPrices(toNano('0.1')));
        expect(await env.registry.getHubs()).toEqual(new Map([[hub.toRawString(), listing]]));
        const byClient = tonClientOf(env.blockchain).open(Registry.createFromAddress(env.registry.address));
        expect(await byClient.getHub(hub)).toEqual(listing);
        const event = loadHubListed(eventOf(result, opcodes.HubListed)!.beginParse());
        expect(event.bond).toBe(listing.bondNano);
        expect(event.hub).toEqualAddress(hub);
        expect(event.endpoint.equals(text(url))).toBe(true);
    });

    it('is refused from any other address than its terms make', async () => {
        await allowCode();
        const stranger = 'Registry: sender is not the hub that it describes';
        const { address } = await payoutOf();
        await expectRefused(stranger, { from: env.stranger.address });
        for (const changes of [
            { operator: env.owner.address },
            { closeDelaySec: 601 },
            { maxFeeBps: 999 },
            { initialFeeBps: 499 },
            { salt: 1 },
        ]) {
            await expectRefused(stranger, { ...changes, from: address });
        }
        await expectRefused('Cocoon: not in workchain 0', { from: new Address(-1, address.hash) });
    });

    it('of another registry is refused', async () => {
        await allowCode();
        const foreign = await Payout.createFromConfig({ registry: env.owner.address, ...terms });
        await expectRefused('Registry: sender is not the hub that it describes', { from: foreign.address });
    });

    it('needs a code that governance allowed', async () => {
        await expectRefused('Registry: hub code not allowed', {});
        await allowCode();
        await expectRefused('Registry: hub code not allowed', { codeHash: Buffer.alloc(32, 1) });
        await expectListed();
        await env.registry.sendRevokeHubCode(env.guardian.getSender(), { codeHash: code.hash() });
        await expectRefused('Registry: hub code not allowed', { salt: 1 });
        expect(await env.registry.getHubs()).toHaveProperty('size', 1);
    });

    it('of a wrong depth of the same code is refused', async () => {
        const codeDepth = code.depth() + 1;
        await env.govern({ kind: 'allowHubCode', codeHash: code.hash(), codeDepth, name: 'wrong' });
        await expectRefused('Registry: sender is not the hub that it describes', {});
    });

    it('is listed until the second before its code retires, and not from then on', async () => {
        await allowCode();
        const retiresAt = env.blockchain.now! + 10 * day;
        await env.govern({ kind: 'retireHubCode', codeHash: code.hash(), retiresAt });
        expect((await env.registry.getHubCodes()).get(code.hash().toString('hex'))).toEqual({
            depth: code.depth(),
            name: 'hub 1',
            retiresAt,
        });
        env.blockchain.now = retiresAt - 1;
        await expectListed();
        env.pass(1);
        await expectRefused('Registry: hub code is retired', { salt: 1 });
        await allowCode();
        await expectListed({ salt: 1 });
    });

    it('must keep to the bounds of governance for fee and close delay', async () => {
        await allowCode();
        await expectRefused('Registry: hub may raise its fee too high', { maxFeeBps: 2_001 });
        await expectListed({ maxFeeBps: 2_000 });
        await expectRefused("Registry: hub's close delay too short", { closeDelaySec: 599 });
        await env.setParameters({ maxHubFeeBps: 1_000, minCloseDelaySec: 601 });
        await expectRefused('Registry: hub may raise its fee too high', { maxFeeBps: 1_001, closeDelaySec: 601 });
        await expectRefused("Registry: hub's close delay too short", {});
        await expectListed({ closeDelaySec: 601 });
        await expectRefused("Registry: hub's close delay too long", { closeDelaySec: day + 1, salt: 9 });
        await expectListed({ closeDelaySec: day, salt: 9 });
    });

    it('needs the bond after its fees, and the storage of its entry', async () => {
        await allowCode();
        await expectRefused('Registry: hub bond too small', { valueNano: toNano('10') });
        await expectRefused('Registry: hub bond too small', { valueNano: atPrices(toNano('0.03')) });
        const balance = await env.balanceOf(env.registry.address);
        await expectListed({ valueNano: toNano('10') + atPrices(toNano('0.1')) });
        const { bondNano } = (await env.registry.getHub((await payoutOf()).address))!;
        expect(bondNano).toBeGreaterThanOrEqual(parameters.minHubBondNano);
        expect(await env.balanceOf(env.registry.address)).toBeGreaterThan(balance + bondNano);
    });

    it('that is listed again has another endpoint and a larger bond, and one entry', async () => {
        await allowCode();
        await expectListed();
        const { address } = await payoutOf();
        const before = (await env.registry.getHub(address))!;
        await expectListed({ endpoint: text('https://b.example'), valueNano: toNano('2') });
        const after = (await env.registry.getHub(address))!;
        expect(after.endpoint).toBe('https://b.example');
        expect(after.bondNano - before.bondNano).toBeGreaterThan(toNano('2') - atPrices(toNano('0.1')));
        expect((await env.registry.getHubs()).size).toBe(1);
        await env.setParameters({ minHubBondNano: toNano('20') });
        await expectRefused('Registry: hub bond too small', { valueNano: toNano('2') });
        await expectListed({ valueNano: toNano('8') });
    });

    it.each([
        ['is empty', ''],
        ['is too short', 'https://a.b'],
        ['is 128 bytes', `https://${'a'.repeat(120)}`],
    ])('is refused with an endpoint that %s', async (_, endpoint) => {
        await allowCode();
        // 127 bytes are what a cell holds: the 128th is a reference.
        const cell =
            endpoint.length > 127
                ? beginCell()
                      .storeBuffer(Buffer.from(endpoint.slice(1)))
                      .storeRef(Cell.EMPTY)
                : null;
        await expectRefused('Registry: malformed endpoint', { endpoint: cell?.endCell() ?? text(endpoint) });
    });

    it('is refused with an endpoint of half a byte, of another scheme, or with anything but printable ASCII', async () => {
        await allowCode();
        const half = beginCell().storeBuffer(Buffer.from(url)).storeUint(0, 4).endCell();
        await expectRefused('Registry: malformed endpoint', { endpoint: half });
        await expectRefused('Registry: endpoint is not https', { endpoint: text('http://a.example') });
        for (const odd of [' ', '\u007f', '\n', 'é', '\0']) {
            await expectRefused('Registry: endpoint is not plain ASCII', {
                endpoint: text(`https://a.example/${odd}`),
            });
        }
        await expectListed({ endpoint: text('https://a.bc') });
        await expectListed({ endpoint: text(`https://${'a'.repeat(117)}~!`) });
    });
});

describe('the list', () => {
    it('ends at a thousand hubs; those on it can still change their endpoint', async () => {
        await allowCode();
        await expectListed();
        await patchRegistry(env, { hubCount: 1_000n });
        await expectRefused('Registry: too many hubs', { salt: 1 });
        await expectListed({ endpoint: text('https://b.example') });
        await patchRegistry(env, { hubCount: 999n });
        await expectListed({ salt: 1 });
    });
});

describe('a listed hub whose code is no longer allowed', () => {
    const prune = (hub: Address, valueNano = toNano('0.2')) =>
        env.registry.sendPruneHub(env.guardian.getSender(), { hub, valueNano });

    it('is pruned by anyone: its bond goes back to it to the nanoTON, the rest of the value to who asked', async () => {
        await allowCode();
        await expectListed();
        await expectListed({ salt: 1 });
        const [{ address }, other] = [await payoutOf(), await payoutOf({ salt: 1 })];
        const { bondNano } = (await env.registry.getHub(address))!;
        const kept = (await env.registry.getHub(other.address))!;
        expect(thrownBy(await prune(address), env.registry.address)).toBe('Registry: hub code is still allowed');
        await env.registry.sendRevokeHubCode(env.guardian.getSender(), { codeHash: code.hash() });
        const before = await env.balanceOf(env.registry.address);
        const result = await prune(address);
        expect(valueTo(result, address, opcodes.Excesses)).toBeGreaterThanOrEqual(bondNano);
        expect(before - (await env.balanceOf(env.registry.address))).toBe(bondNano);
        expect(valueTo(result, env.guardian.address, opcodes.Excesses)).toBeGreaterThan(0n);
        expect(loadHubUnlisted(eventOf(result, opcodes.HubUnlisted)!.beginParse()).bond).toBe(bondNano);
        expect(await env.registry.getHubs()).toEqual(new Map([[other.address.toRawString(), kept]]));
        expect((await env.registry.getState()).hubBondsNano).toBe(kept.bondNano);
        expect(thrownBy(await prune(address), env.registry.address)).toBe('Registry: hub is not listed');
    });

    it('stays until the second in which its code retires', async () => {
        await allowCode();
        await expectListed();
        const { address } = await payoutOf();
        const retiresAt = env.blockchain.now! + 10 * day;
        await env.govern({ kind: 'retireHubCode', codeHash: code.hash(), retiresAt });
        env.blockchain.now = retiresAt - 1;
        expect(thrownBy(await prune(address), env.registry.address)).toBe('Registry: hub code is still allowed');
        env.pass(1);
        expect(thrownBy(await prune(address), env.registry.address)).toBeNull();
    });

    it('stays when the message that asks for it can not pay its way', async () => {
        await allowCode();
        await expectListed();
        const { address } = await payoutOf();
        await env.registry.sendRevokeHubCode(env.guardian.getSender(), { codeHash: code.hash() });
        const outcomes = new Set<string | null>();
        for (let step = 1n; step < 20n && !outcomes.has(null); step += 1n) {
            outcomes.add(thrownBy(await prune(address, atPrices(step * toNano('0.01'))), env.registry.address));
            if (!outcomes.has(null)) expect(await env.registry.getHub(address)).not.toBeNull();
        }
        expect([...outcomes]).toEqual(['Registry: not enough value', null]);
    });
});

describe('the bond of a hub', () => {
    it('comes back to the hub that unlists, to the nanoTON and with the rest of the value', async () => {
        await allowCode();
        await expectListed();
        const { address } = await payoutOf();
        const { bondNano } = (await env.registry.getHub(address))!;
        const before = await env.balanceOf(env.registry.address);
        const result = await unlist(address);
        const back = valueTo(result, address, opcodes.Excesses);
        expect(back).toBeGreaterThan(bondNano + atPrices(toNano('0.08')));
        expect(before - (await env.balanceOf(env.registry.address))).toBe(bondNano);
        expect(await env.registry.getHub(address)).toBeNull();
        expect(loadHubUnlisted(eventOf(result, opcodes.HubUnlisted)!.beginParse()).bond).toBe(bondNano);
        expect((await env.registry.getState()).hubBondsNano).toBe(0n);
        expect(thrownBy(await unlist(address), env.registry.address)).toBe('Registry: hub is not listed');
    });

    it('leaves for nobody else', async () => {
        await allowCode();
        await expectListed();
        const other = await unlist((await payoutOf({ salt: 9 })).address);
        expect(thrownBy(other, env.registry.address)).toBe('Registry: hub is not listed');
    });

    it('is untouched when the message that asks for it can not pay its way', async () => {
        await allowCode();
        await expectListed();
        const { address } = await payoutOf();
        const listing = await env.registry.getHub(address);
        const outcomes = new Set<string | null>();
        for (let share = toNano('0.01'); share < toNano('0.06'); share += toNano('0.005')) {
            const valueNano = atPrices(share);
            outcomes.add(thrownBy(await unlist(address, valueNano), env.registry.address));
            if (outcomes.has(null)) break;
            expect(await env.registry.getHub(address)).toEqual(listing);
        }
        expect(outcomes).toContain('Registry: not enough value');
        expect(outcomes).toContain(null);
    });

    it('is beyond governance: no action, revocation or owner takes any of it', async () => {
        await allowCode();
        await expectListed();
        const { bondNano } = (await env.registry.getHub((await payoutOf()).address))!;
        await env.govern({
            kind: 'retireHubCode',
            codeHash: code.hash(),
            retiresAt: env.blockchain.now! + 2 * governanceDelaySec,
        });
        await env.registry.sendRevokeHubCode(env.owner.getSender(), { codeHash: code.hash() });
        await env.setParameters({ minHubBondNano: 1n });
        await env.govern({ kind: 'setGuardian', guardian: env.stranger.address });
        await env.govern({ kind: 'setOwner', owner: env.guardian.address });
        const { proposalId } = await env.propose(
            { kind: 'allowPlatform', platformId: Buffer.alloc(32, 1) },
            env.guardian,
        );
        const cancelled = await env.registry.sendCancel(env.guardian.getSender(), {
            proposalId,
            valueNano: toNano('1'),
        });
        expect(valueTo(cancelled, env.guardian.address, opcodes.Excesses)).toBeLessThan(toNano('1'));
        const { address } = await payoutOf();
        expect((await env.registry.getHub(address))!.bondNano).toBe(bondNano);
        expect(valueTo(await unlist(address), address, opcodes.Excesses)).toBeGreaterThan(bondNano);
    });
});

describe('a real hub', () => {
    it('announces itself and comes off the list again, at its operator’s word; the bond ends with the operator', async () => {
        await allowCode();
        const hub = env.blockchain.openContract(await payoutOf());
        await hub.sendTopUp(env.stranger.getSender(), { valueNano: toNano('1') });
        const operator = env.stranger;
        await hub.sendAnnounce(operator.getSender(), { valueNano: toNano('11'), endpoint: text(url) });
        const listing = (await env.registry.getHub(hub.address))!;
        expect(listing.endpoint).toBe(url);
        const result = await hub.sendWithdrawListing(operator.getSender());
        expect(await env.registry.getHub(hub.address)).toBeNull();
        expect(valueTo(result, operator.address, opcodes.Excesses)).toBeGreaterThan(listing.bondNano);
    });

    it('gives a bond that was refused back to its operator', async () => {
        const hub = env.blockchain.openContract(await payoutOf());
        await hub.sendTopUp(env.stranger.getSender(), { valueNano: toNano('1') });
        const result = await hub.sendAnnounce(env.stranger.getSender(), {
            valueNano: toNano('11'),
            endpoint: text(url),
        });
        expect(thrownBy(result, env.registry.address)).toBe('Registry: hub code not allowed');
        expect(valueTo(result, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(
            toNano('11') - atPrices(toNano('0.1')),
        );
        expect(bodyTo(result, env.stranger.address, opcodes.Excesses)).not.toBeNull();
    });
});
