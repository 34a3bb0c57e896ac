import '@ton/test-utils';
import { toNano } from '@ton/core';
import { payoutErrors } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { testKey } from '../support/ed25519';
import { fillHub, setRosterCounts } from '../support/filled-hub';
import { gasOf, refusalTo, thrownBy } from '../support/outcome';
import { createRegistry, day, platformId, RegistryEnvironment } from '../support/registry-environment';
import { createSettlement, SettlementEnvironment } from '../support/settlement-environment';
import { exitCodeOf, gasAt } from '../support/settlement-outcomes';
import { expectSound } from './support/parties';

const gas = toNano('2');

/** Gas of a stranger's settlement and claim at a hub of so many nodes. */
async function costAtHubOf(nodes: number): Promise<{ env: SettlementEnvironment; settle: bigint; claim: bigint }> {
    const env = await createSettlement({ nodes: 1, feeBps: 0 });
    await fillHub(env, env.nodes, nodes);
    await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
    const settled = await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2'), sequence: 2 })]);
    await expectSound(env);
    const settle = gasAt(settled, env.hub.address) + gasAt(settled, env.escrow.address);
    const claimed = await env.hub.sendClaim(env.nodes[0]!.owner.getSender(), { valueNano: gas });
    return { env, settle, claim: gasAt(claimed, env.hub.address) };
}

describe('case 18: registry spam: a thousand dispatchers, nodes or models by one party', () => {
    let env: RegistryEnvironment;

    it('nodes: each costs its provider a bond and its storage, and one provider has 64 live ones at most', async () => {
        env = await createRegistry();
        await env.setParameters({ maxKeysPerPlatform: 7 });
        const { bondNano } = await env.provider.getState();
        const affordable = Number(bondNano / toNano('10'));
        for (let i = 0; i <= affordable; i += 1) {
            const bundle = { signingKey: testKey(`spam ${i}`).publicKey };
            const result = await env.verified({ bundle });
            const refusal = refusalTo(result, env.registrar.address);
            expect(refusal).toBe(i < affordable ? null : 'Provider: bond too small');
        }
        expect((await env.provider.getState()).liveKeys).toBe(affordable);
    });

    it("others' registrations cost what they did, however many bundles somebody has posted for nobody", async () => {
        env = await createRegistry();
        const alone = gasOf(await env.verified(), env.registry.address);
        const nowhere = { provider: Buffer.alloc(32, 0x99) };
        for (let i = 0; i < 66; i += 1) await env.verified({ bundle: nowhere, platformId: Buffer.alloc(32, i + 1) });
        env.pass(60);
        const crowded = gasOf(await env.verified(), env.registry.address);
        expect(crowded).toBeLessThan(alone * 1.25);
    });

    it('models and images: only the owner proposes, 32 at a time, and a stranger pays for a refusal', async () => {
        env = await createRegistry({ isBare: true });
        for (let i = 0; i < 33; i += 1) {
            const action = { kind: 'allowModel', modelRoot: Buffer.alloc(32, i + 1), name: 'spam' } as const;
            const { result } = await env.propose(action);
            expect(thrownBy(result, env.registry.address)).toBe(i < 32 ? null : 'Registry: too many proposals');
        }
        const strange = { kind: 'allowModel', modelRoot: Buffer.alloc(32, 0x77), name: 'spam' } as const;
        const { result } = await env.propose(strange, env.stranger);
        expect(thrownBy(result, env.registry.address)).toBe('Registry: sender is not the owner');
    });
});

describe('case 27: a denial of service: a thousand live keys from one platform, a hub filled to the entry limit, collateral of every platform family posted', () => {
    // Collateral is not kept on chain yet: see case 28.

    it('one platform has as many live keys as governance allows, and room again when they end', async () => {
        const env = await createRegistry();
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('100') });
        const { maxKeysPerPlatform } = await env.registry.getState();
        const post = async (i: number) => {
            const result = await env.verified({ bundle: { signingKey: testKey(`crowd ${i}`).publicKey } });
            return refusalTo(result, env.registrar.address);
        };
        for (let i = 0; i < maxKeysPerPlatform; i += 1) expect(await post(i)).toBeNull();
        expect(await post(maxKeysPerPlatform)).toBe('Registry: platform has too many keys');
        expect(await env.registry.getPlatformKeys(platformId)).toHaveLength(maxKeysPerPlatform);
        env.pass(3 * day + 1);
        expect(await post(maxKeysPerPlatform)).toBeNull();
        expect(env.money.leak()).toBe(0n);
    });

    it('a hub filled to its limit takes no more nodes, and settles and pays as before', async () => {
        const small = await costAtHubOf(20);
        const full = await costAtHubOf(2000);
        expect(full.settle).toBeLessThan((small.settle * 5n) / 4n);
        expect(full.claim).toBeLessThan((small.claim * 3n) / 2n);
        await setRosterCounts(full.env, { nodeCount: 10_000 });
        const late = await full.env.admit({ key: testKey('late'), owner: full.env.settler }, { valueNano: gas });
        expect(payoutErrors.get(exitCodeOf(late, full.env.hub.address)!)).toBe('Payout: no room for another node');
        const again = await full.env.admit(full.env.nodes[0]!, { valueNano: gas });
        expect(exitCodeOf(again, full.env.hub.address)).toBe(0);
    });

    it('every entry has brought its own storage: a new node leaves the hub richer by two years of it', async () => {
        const env = await createSettlement();
        const before = (await env.blockchain.getContract(env.hub.address)).balance;
        await env.admit({ key: testKey('newcomer'), owner: env.settler });
        const brought = (await env.blockchain.getContract(env.hub.address)).balance - before;
        expect(brought).toBeGreaterThan(atPrices(1_000_000n));
        await expectSound(env);
    });
});
