import '@ton/test-utils';
import { beginCell, Cell, toNano } from '@ton/core';
import { Registry as RegistryBinding } from '../../build/Registry/Registry_Registry';
import { authorizationCell, keyBundleCell, keyBundleHash, Provider } from '../../wrappers';
import { sha256 } from '../../wrappers/digest';
import { testKey } from './support/ed25519';
import { bodyTo, refusalTo, thrownBy, valueTo } from './support/outcome';
import {
    createRegistry,
    day,
    imageId,
    modelRoot,
    platformId,
    RegistryEnvironment,
    VerifiedOptions,
} from './support/registry-environment';
import { atPrices } from '../support/fee-config';

const { opcodes } = RegistryBinding;
const nodeKey = testKey('node 0').publicKey;
const other = Buffer.alloc(32, 0x99);
/** Ethereum addresses lie below, Ed25519 keys not. */
const addressLimit = 1n << 160n;

const keyOf = (signingKey: bigint) => Buffer.from(signingKey.toString(16).padStart(64, '0'), 'hex');

let env: RegistryEnvironment;

afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { storageReserveNano } = await env.registry.getState();
    expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(storageReserveNano);
});

/** Refused by registry or provider: the value comes back with the reason, nothing is recorded. */
async function expectRefused(reason: string, options: VerifiedOptions) {
    const { version, logHash } = await env.registry.getState();
    const keys = await env.provider.getKeys();
    const result = await env.verified(options);
    expect(refusalTo(result, env.registrar.address)).toBe(reason);
    const back = valueTo(result, env.registrar.address, opcodes.RegistrationRefused);
    expect(back).toBeGreaterThan((options.valueNano ?? toNano('0.5')) - toNano('0.06'));
    expect(await env.registry.getState()).toMatchObject({ version, logHash });
    expect(await env.provider.getKeys()).toEqual(keys);
}

async function expectRegistered(options: VerifiedOptions) {
    const result = await env.verified(options);
    expect(refusalTo(result, env.registrar.address)).toBeNull();
    expect(bodyTo(result, env.registrar.address, opcodes.NodeRegistered)).not.toBeNull();
    return result;
}

describe('a registration', () => {
    it('records the key of a verified quote under its provider, and returns the excess', async () => {
        env = await createRegistry();
        const balance = await env.balanceOf(env.registry.address);
        const result = await expectRegistered({});
        expect(await env.provider.getKey(nodeKey)).toEqual({
            notAfter: env.blockchain.now! + 2 * day,
            revokedAt: null,
            isSlashed: false,
            bondNano: toNano('10'),
            suite: 1,
            bundleHash: keyBundleHash(env.bundleOf()),
            imageId,
            modelRoot,
            platformId,
        });
        expect(valueTo(result, env.registrar.address, opcodes.NodeRegistered)).toBeGreaterThan(toNano('0.4'));
        // A platform that is new to the registry pays for the storage of its entry; the same again pays nothing more.
        const kept = await env.balanceOf(env.registry.address);
        expect(kept).toBeGreaterThan(balance);
        await expectRegistered({});
        expect(await env.balanceOf(env.registry.address)).toBe(kept);
        expect((await env.provider.getState()).requiredBondNano).toBe(toNano('10'));
    });

    it('is taken from the governed verifier only', async () => {
        env = await createRegistry();
        const result = await env.verified({ from: env.stranger });
        expect(thrownBy(result, env.registry.address)).toBe('Registry: sender is not the verifier');
        await env.govern({ kind: 'setVerifier', verifier: env.stranger.address });
        await expectRegistered({ from: env.stranger });
        const old = await env.verified({});
        expect(thrownBy(old, env.registry.address)).toBe('Registry: sender is not the verifier');
    });

    it('is refused for a platform whose status governance does not accept, until it does', async () => {
        env = await createRegistry();
        await expectRegistered({ status: 1 });
        await expectRefused('Registry: platform is not up to date', { status: 4 });
        const { acceptedStatuses } = (await env.registry.getState()).quotePolicy;
        expect(acceptedStatuses).toEqual(['UpToDate', 'SWHardeningNeeded']);
        const relaxed = [...acceptedStatuses, 'OutOfDate' as const];
        await env.govern({ kind: 'setQuotePolicy', acceptedStatuses: relaxed, evaluationFloor: 0 });
        expect((await env.registry.getState()).quotePolicy.acceptedStatuses).toEqual(relaxed);
        await expectRegistered({ status: 4 });
        await expectRefused('Registry: platform is not up to date', { status: 5 });
    });

    it('is refused by collateral below the evaluation floor, which only rises and which the verifier is told', async () => {
        env = await createRegistry();
        const acceptedStatuses = ['UpToDate' as const];
        const raised = await env.govern({ kind: 'setQuotePolicy', acceptedStatuses, evaluationFloor: 18 });
        expect(raised.transactions).toHaveTransaction({
            to: env.verifier.address,
            op: opcodes.SetEvaluationFloor,
        });
        await expectRegistered({ evaluation: 18 });
        await expectRefused('Registry: collateral below the evaluation floor', { evaluation: 17 });
        await env.govern({ kind: 'setQuotePolicy', acceptedStatuses, evaluationFloor: 3 });
        expect((await env.registry.getState()).quotePolicy.evaluationFloor).toBe(18);
        const replaced = await env.govern({ kind: 'setVerifier', verifier: env.stranger.address });
        expect(replaced.transactions).toHaveTransaction({
            to: env.stranger.address,
            op: opcodes.SetEvaluationFloor,
        });
    });

    it('is refused while there is no verifier', async () => {
        env = await createRegistry({ isBare: true });
        expect(thrownBy(await env.verified({}), env.registry.address)).toBe('Registry: sender is not the verifier');
    });

    it('hashes the bundle on chain as off chain', async () => {
        env = await createRegistry();
        const cell = keyBundleCell(env.bundleOf());
        const bits = [cell, cell.refs[0]!, cell.refs[0]!.refs[0]!].map((part) => part.beginParse());
        const bytes = bits.map((slice) => slice.loadBuffer(slice.remainingBits / 8));
        expect(sha256(...bytes)).toEqual(keyBundleHash(env.bundleOf()));
        await expectRegistered({ attestedBundleHash: sha256(...bytes) });
    });

    it('is refused for a bundle that the quote does not attest', async () => {
        env = await createRegistry();
        await expectRefused('Registry: bundle is not the attested one', { attestedBundleHash: other });
        const changed = keyBundleCell(env.bundleOf({ signingKey: other }));
        await expectRefused('Registry: bundle is not the attested one', { bundleCell: changed });
    });

    it('is refused for a bundle cut otherwise, truncated or padded', async () => {
        env = await createRegistry();
        const good = keyBundleCell(env.bundleOf());
        const rest = good.refs[0]!;
        const block = rest.refs[0]!;
        const rebuilt = (head: Cell, refs: Cell[]) => {
            const builder = beginCell().storeBits(head.bits);
            for (const ref of refs) builder.storeRef(ref);
            return builder.endCell();
        };
        const padded = beginCell().storeBits(block.bits).storeUint(0, 8).endCell();
        for (const bundleCell of [
            Cell.EMPTY,
            rebuilt(good, []),
            rebuilt(good, [rest, Cell.EMPTY]),
            rebuilt(good, [rebuilt(rest, [])]),
            rebuilt(good, [rebuilt(rest, [block, block])]),
            rebuilt(good, [rebuilt(rest, [padded])]),
            rebuilt(good, [rebuilt(rest, [rebuilt(block, [block])])]),
        ]) {
            await expectRefused('Registry: malformed bundle', { bundleCell });
        }
    });

    /** The bundle with bytes changed in its first cell, attested as changed. */
    function patched(offset: number, ...values: number[]): VerifiedOptions {
        const cell = keyBundleCell(env.bundleOf());
        const head = cell.beginParse().loadBuffer(103);
        head.set(values, offset);
        const rest = cell.refs[0]!;
        const tail = rest.beginParse().loadBuffer(104);
        const block = rest.refs[0]!.beginParse().loadBuffer(32);
        const bundleCell = beginCell().storeBuffer(head).storeRef(rest).endCell();
        return { bundleCell, attestedBundleHash: sha256(head, tail, block) };
    }

    const patchedKey = (suite: number, signingKey: bigint) => patched(70, suite, ...keyOf(signingKey));

    it('is refused for another tag, version, role or suite', async () => {
        env = await createRegistry();
        await expectRefused('Registry: unknown bundle version', patched(0, 0x44));
        await expectRefused('Registry: unknown bundle version', patched(4, 2));
        await expectRefused('Registry: unknown role', patched(5, 2));
        await expectRefused('Registry: unknown suite', patched(70, 0));
        await expectRefused('Registry: unknown suite', patched(70, 3));
    });

    it('is refused for a key that its suite does not have, up to the first and last that it has', async () => {
        env = await createRegistry();
        await expectRefused('Registry: not an Ed25519 key', patchedKey(1, addressLimit - 1n));
        await expectRegistered({ bundle: { suite: 1, signingKey: keyOf(addressLimit) } });
        await expectRefused('Registry: not an Ethereum address', patchedKey(2, 0n));
        await expectRefused('Registry: not an Ethereum address', patchedKey(2, addressLimit));
        await expectRegistered({ bundle: { suite: 2, signingKey: keyOf(1n) } });
        await expectRegistered({ bundle: { suite: 2, signingKey: keyOf(addressLimit - 1n) } });
    });

    it('is refused for another network, image or block than the quote stands for', async () => {
        env = await createRegistry();
        await expectRefused('Registry: bundle of another network', { bundle: { network: other } });
        await expectRefused('Registry: bundle names another image', { attestedImageId: other });
        await expectRefused('Registry: bundle names another block', { attestedBlock: other });
        const evidence = beginCell().storeBuffer(Buffer.alloc(32, 0x44)).endCell();
        await expectRefused('Registry: malformed evidence', { evidence });
    });

    it('is refused for an image, a model or a platform that is not trusted, until it is', async () => {
        env = await createRegistry();
        await expectRefused('Registry: image not allowed', { bundle: { imageId: other } });
        await expectRefused('Registry: model not allowed', { bundle: { modelRoot: other } });
        await env.registry.sendDenyPlatform(env.guardian.getSender(), { platformId });
        await expectRefused('Registry: platform is denied', {});
        await env.govern({ kind: 'allowPlatform', platformId });
        await expectRegistered({});
        await env.registry.sendRevokeImage(env.guardian.getSender(), { imageId });
        await expectRefused('Registry: image not allowed', {});
        await env.govern({ kind: 'allowImage', imageId, imageKind: 'tdx', name: 'again' });
        await env.registry.sendRevokeModel(env.guardian.getSender(), { modelRoot });
        await expectRefused('Registry: model not allowed', {});
    });

    it('is refused once the bundle has expired, and lives no longer than governance allows', async () => {
        env = await createRegistry();
        const { now } = env.blockchain;
        await expectRefused('Registry: bundle has expired', { bundle: { notAfter: now! } });
        await expectRegistered({ bundle: { notAfter: now! + 1 } });
        const { maxKeyLifeSec } = await env.registry.getState();
        await expectRefused('Registry: bundle outlives the longest key life', {
            bundle: { notAfter: now! + maxKeyLifeSec + 1 },
        });
        await expectRegistered({ bundle: { notAfter: now! + maxKeyLifeSec } });
        expect((await env.provider.getKey(nodeKey))!.notAfter).toBe(now! + maxKeyLifeSec);
    });

    it('is refused with too little value, which comes back', async () => {
        env = await createRegistry();
        const result = await env.verified({ valueNano: atPrices(toNano('0.04')) });
        expect(refusalTo(result, env.registrar.address)).toBe('Registry: not enough value');
        expect(await env.provider.getKey(nodeKey)).toBeNull();
    });

    it("of a rogue key under another's provider is refused", async () => {
        env = await createRegistry();
        const rogue = { signingKey: testKey('rogue').publicKey };
        await expectRefused('Provider: bundle not authorized', { bundle: rogue, authorization: Cell.EMPTY });
        await expectRefused('Provider: wrong operator signature', {
            bundle: rogue,
            authorization: authorizationCell(testKey('rogue').sign(keyBundleHash(env.bundleOf(rogue)))),
        });
    });

    it('under no provider returns the value to who asked', async () => {
        env = await createRegistry();
        const balance = await env.balanceOf(env.registry.address);
        const result = await env.verified({ bundle: { provider: other }, queryId: 31n });
        expect(refusalTo(result, env.registrar.address)).toBe('Registry: no provider took the key');
        const body = bodyTo(result, env.registrar.address, opcodes.RegistrationRefused)!;
        expect(body.beginParse().skip(32).loadUint(64)).toBe(31);
        const back = valueTo(result, env.registrar.address, opcodes.RegistrationRefused);
        expect(back).toBeGreaterThan(toNano('0.44'));
        expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(balance);
    });

    it('under a provider of another network returns the value to who asked', async () => {
        env = await createRegistry();
        const foreign = env.blockchain.openContract(
            await Provider.createFromConfig({ registry: env.owner.address, owner: env.providerOwner.address }),
        );
        await foreign.sendCreate(env.providerOwner.getSender(), { operatorKey: env.operator.publicKey });
        const result = await env.verified({ bundle: { provider: foreign.address.hash } });
        expect(thrownBy(result, foreign.address)).toBe('Provider: sender is not the registry');
        expect(refusalTo(result, env.registrar.address)).toBe('Registry: no provider took the key');
    });

    it('that repeats extends the key and nothing else', async () => {
        env = await createRegistry();
        await expectRegistered({});
        const first = await env.provider.getKey(nodeKey);
        env.pass(day);
        await expectRegistered({});
        expect(await env.provider.getKey(nodeKey)).toEqual({
            ...first,
            notAfter: env.blockchain.now! + 2 * day,
            bundleHash: keyBundleHash(env.bundleOf()),
        });
        await expectRefused('Provider: key attested differently', { platformId: other });
    });

    it('needs the bond that governance asks for', async () => {
        env = await createRegistry();
        await env.setParameters({ minBondNano: toNano('32') });
        await expectRefused('Provider: bond too small', {});
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('1.1') });
        await expectRegistered({});
    });
});
