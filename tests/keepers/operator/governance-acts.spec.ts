import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { toNano } from '@ton/core';
import { signerFromSeed } from '../../../keepers/confidential';
import {
    allowHubCode,
    allowImage,
    bond,
    cancelProposal,
    createProvider,
    deployNetwork,
    executeProposal,
    listHub,
    recheckNode,
    registerByBond,
    retireHubCode,
    pruneHub,
    revokeHubCode,
    revokeImage,
    revokeKey,
    revokeModel,
    revokePlatform,
    setGuardian,
    setOwner,
    showHubs,
    showProposals,
    showProvider,
    slashNode,
    unlistHub,
    admitNode,
} from '../../../keepers/operator';
import {
    authorizationDigest,
    possessionDigest,
    encodeKeyBundle,
    encodeReceiptTail,
    type KeyBundle,
    keyBundleHash,
    Provider,
    receiptDigest,
    Registry,
} from '../../../wrappers';
import { createOperatorChain, madeOnce, startTime, TestConsole } from './operator-chain';

const id = (byte: number) => Buffer.alloc(32, byte);
const node = signerFromSeed(id(8));
const operatorKey = signerFromSeed(id(7));
const snpImage = id(0x5a);
const modelRoot = id(2);
const endpoint = 'https://dispatcher.example';

const start = madeOnce(async () => {
    const chain = await createOperatorChain();
    const governor = await chain.actor('governor');
    const guardian = await chain.actor('guardian');
    const spec = {
        kind: 'development' as const,
        rootPublicKey: Buffer.alloc(64, 3),
        guardian: guardian.sender.address,
        governanceDelaySec: 60,
        parameters: { minBondNano: toNano('2'), minClientVerifiedBondNano: toNano('6'), minHubBondNano: toNano('5') },
        images: [{ imageId: snpImage, imageKind: 'sev-snp' as const, name: 'snp guest' }],
        models: [{ modelRoot, name: 'toy' }],
        hubs: [{ closeDelaySec: 600, maxFeeBps: 1000, initialFeeBps: 250 }],
    };
    const options = { console: new TestConsole(), assumeYes: true, clock: chain.clock };
    const deployment = (await deployNetwork(governor, spec, options))!;
    const registry = chain.blockchain.openContract(Registry.createFromAddress(deployment.registry));
    return { chain, governor, guardian, deployment, registry, stranger: await chain.actor('stranger') };
});

type World = Awaited<ReturnType<typeof start>>;

/** A node of the governor's own provider, recorded by bond. */
async function registered({ chain, governor, deployment }: World) {
    await chain.run(governor, createProvider(governor, { operatorKey: operatorKey.publicKey }));
    await chain.run(governor, bond(governor, { bondNano: toNano('6') }));
    const owner = governor.sender.address;
    const { address } = await Provider.createFromConfig({ registry: deployment.registry, owner });
    const bundle: KeyBundle = {
        network: deployment.registry.hash,
        provider: address.hash,
        role: 1,
        suite: 1,
        signingKey: node.publicKey,
        imageId: snpImage,
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 100,
        mcRootHash: id(6),
        notAfter: startTime + 86_400,
    };
    const bundleFile = path.join(chain.folder, 'bundle.hex');
    writeFileSync(bundleFile, encodeKeyBundle(bundle).toString('hex'));
    const scope = { network: bundle.network, provider: bundle.provider, bundleHash: keyBundleHash(bundle) };
    const authorization = operatorKey.sign(authorizationDigest(scope));
    const possession = node.sign(possessionDigest(scope.bundleHash));
    return { owner, provider: address, bundleFile, authorization, possession };
}

describe('acts of governance', () => {
    it('propose, show, cancel and execute; an owner or guardian is replaced after the delay', async () => {
        const world = await start();
        const { chain, governor, guardian, registry, stranger } = world;
        const image = { imageId: id(1), name: 'node 2' };
        const { result } = await chain.run(governor, allowImage(governor, image));
        expect(result!.status).toBe('waiting');
        const shown = await chain.run(stranger, showProposals(stranger, {}));
        expect(shown.result!.proposals.map(({ action }) => action.kind)).toEqual(['allowImage']);
        expect(shown.lines.join('\n')).toContain('executable from');
        const proposalId = shown.result!.proposals[0]!.id;
        await expect(cancelProposal(stranger, { proposalId })).rejects.toThrow('with this body');
        await chain.run(guardian, cancelProposal(guardian, { proposalId }));
        expect(await registry.getProposals()).toEqual([]);

        const successor = { owner: stranger.sender.address };
        await chain.run(governor, setOwner(governor, successor));
        const replacement = (await registry.getProposals())[0]!.id;
        await expect(cancelProposal(guardian, { proposalId: replacement })).rejects.toThrow('with this body');
        await chain.run(governor, setGuardian(governor, { guardian: stranger.sender.address }));
        chain.advance(60);
        for (const { id: ready } of await registry.getProposals()) {
            await chain.run(guardian, executeProposal(guardian, { proposalId: ready }));
        }
        const state = await registry.getState();
        expect(state.owner.equals(stranger.sender.address)).toBe(true);
        expect(state.guardian.equals(stranger.sender.address)).toBe(true);
        expect((await chain.run(stranger, showProposals(stranger, {}))).lines).toContain('  none is open');
    });

    it('take trust back at once, by owner or guardian, and say to others whom to ask', async () => {
        const { chain, guardian, governor, registry, stranger } = await start();
        const codeHash = Buffer.from([...(await registry.getHubCodes()).keys()][0]!, 'hex');
        await expect(revokeImage(stranger, { imageId: snpImage })).rejects.toThrow('with this body');
        const dry = await chain.run(guardian, revokeImage(guardian, { imageId: snpImage }), true);
        expect(dry.result).toBeNull();
        expect((await registry.getImages()).size).toBe(1);
        await chain.run(guardian, revokeImage(guardian, { imageId: snpImage }));
        await chain.run(guardian, revokeModel(guardian, { modelRoot }));
        await chain.run(governor, revokePlatform(governor, { platformId: id(5) }));
        await chain.run(governor, revokeHubCode(governor, { codeHash }));
        expect((await registry.getImages()).size + (await registry.getModels()).size).toBe(0);
        expect(await registry.getDeniedPlatforms()).toEqual(new Set([id(5).toString('hex')]));
        expect((await registry.getHubCodes()).size).toBe(0);
        const { version } = await registry.getState();
        await chain.run(guardian, revokeModel(guardian, { modelRoot }));
        expect((await registry.getState()).version).toBe(version);
    });
});

describe('the hub list', () => {
    it('takes a hub of the code that deploy-network allowed, shows it, and gives its bond back', async () => {
        const { chain, governor, deployment, stranger } = await start();
        const { result } = await chain.run(governor, listHub(governor, { endpoint }));
        expect(result).toMatchObject({ endpoint });
        expect(result!.bondNano).toBeGreaterThanOrEqual(toNano('5'));
        expect((await chain.run(governor, listHub(governor, { endpoint }))).lines[0]).toContain('already');
        const shown = await chain.run(stranger, showHubs(stranger, {}));
        expect(shown.result!.hubs.map((hub) => hub.address.toString())).toEqual([
            deployment.hubs[0]!.address.toString(),
        ]);
        expect(shown.lines.join('\n')).toContain(`at ${endpoint}`);
        await expect(listHub(stranger, { endpoint })).rejects.toThrow('only the hub');
        await expect(unlistHub(stranger, {})).rejects.toThrow('only the hub');
        await expect(listHub(governor, { endpoint, bondNano: 1n })).rejects.toThrow('asks for a bond of 5 TON');
        const before = await chain.balance(governor.sender.address);
        await chain.run(governor, unlistHub(governor, {}));
        expect((await chain.balance(governor.sender.address)) - before).toBeGreaterThan(toNano('4.9'));
        expect((await chain.run(governor, unlistHub(governor, {}))).lines[0]).toBe('The hub is not listed');
    });

    it('loses a hub by anyone’s word once its code is revoked, and gives its bond to its operator', async () => {
        const { chain, governor, guardian, deployment, registry, stranger } = await start();
        const hub = deployment.hubs[0]!.address;
        await chain.run(governor, listHub(governor, { endpoint }));
        await expect(pruneHub(stranger, { hub })).rejects.toThrow('still allowed');
        const codeHash = Buffer.from([...(await registry.getHubCodes()).keys()][0]!, 'hex');
        await chain.run(guardian, revokeHubCode(guardian, { codeHash }));
        const before = await chain.balance(governor.sender.address);
        await chain.run(stranger, pruneHub(stranger, { hub }));
        expect((await chain.balance(governor.sender.address)) - before).toBeGreaterThan(toNano('4.9'));
        expect((await chain.run(stranger, pruneHub(stranger, { hub }))).lines[0]).toBe('The hub is not listed');
    });

    it('knows other codes, and from when on one is retired', async () => {
        const { chain, governor, registry } = await start();
        const other = { codeHash: id(9), codeDepth: 12, name: 'payout 2' };
        await chain.run(governor, allowHubCode(governor, other));
        chain.advance(60);
        await chain.run(governor, allowHubCode(governor, other));
        const retiresAt = chain.blockchain.now! + 86_400;
        const retirement = { codeHash: id(9), retiresAt };
        await expect(retireHubCode(governor, { codeHash: id(4), retiresAt })).rejects.toThrow('not allowed anyway');
        await expect(retireHubCode(governor, { codeHash: id(9), retiresAt: 5 })).rejects.toThrow('is over');
        await chain.run(governor, retireHubCode(governor, retirement));
        chain.advance(60);
        await chain.run(governor, retireHubCode(governor, retirement));
        expect((await registry.getHubCodes()).get(id(9).toString('hex'))).toEqual({
            depth: 12,
            name: 'payout 2',
            retiresAt,
        });
        await expect(allowHubCode(governor, { codeHash: id(4), name: 'half' })).rejects.toThrow('go together');
    });
});

/** What register-by-bond is told. */
function bondArgs({ bundleFile, authorization, possession }: Omit<Awaited<ReturnType<typeof registered>>, 'owner'>) {
    return { bundleFile, authorization, possession };
}

describe('acts about one node', () => {
    it('record it by bond, recheck it once its image is gone, and tell its hub', async () => {
        const world = await start();
        const { chain, governor, guardian, stranger } = world;
        const { owner, ...registration } = await registered(world);
        const { result } = await chain.run(stranger, registerByBond(stranger, bondArgs(registration)));
        expect(result).toMatchObject({ bondNano: toNano('6'), revokedAt: null });
        const nodeKey = node.publicKey;
        const earned = async () => (await chain.run(stranger, showProvider(stranger, { owner }))).lines.join('\n');
        expect(await earned()).toContain('not admitted yet: run admit-node');
        await chain.run(stranger, admitNode(stranger, { nodeKey, owner }));
        expect(await earned()).toMatch(/admitted until 20.*Z/);
        expect(await earned()).toContain('0 TON to claim');
        await expect(recheckNode(stranger, { nodeKey, owner })).rejects.toThrow('are trusted');
        await chain.run(guardian, revokeImage(guardian, { imageId: snpImage }));
        const rechecked = await chain.run(stranger, recheckNode(stranger, { nodeKey, owner }));
        expect(rechecked.result!.revokedAt).toBe(chain.blockchain.now);
        expect((await chain.run(stranger, recheckNode(stranger, { nodeKey, owner }))).lines[0]).toContain('knows');
        await expect(registerByBond(stranger, bondArgs(registration))).rejects.toThrow('not an allowed sev-snp image');
        expect(await earned()).toContain('revoked; its receipts settle until');
        await chain.run(governor, revokeKey(governor, { nodeKey }));
    });

    it('revoke it at its owner’s word, and slash it on two receipts that contradict each other', async () => {
        const world = await start();
        const { chain, governor, stranger, deployment } = world;
        const { owner, ...registration } = await registered(world);
        await chain.run(stranger, registerByBond(stranger, bondArgs(registration)));
        const escrow = deployment.hubs[0]!.address;
        const said = (cumulativeNano: bigint, sequence = 4) => {
            const receipt = {
                nodeKey: node.publicKey,
                sessionKey: id(1),
                sequence,
                costNano: 1n,
                cumulativeNano,
                reference: id(3),
            };
            const scope = { network: deployment.registry.hash, escrow: escrow.hash, epoch: 9 };
            return Buffer.concat([encodeReceiptTail(receipt), node.sign(receiptDigest({ ...scope, ...receipt }))]);
        };
        const evidence = { owner, escrow, epoch: 9, first: said(10n), second: said(9n) };
        await expect(slashNode(stranger, { ...evidence, second: said(11n, 5) })).rejects.toThrow('do not contradict');
        await expect(slashNode(stranger, { ...evidence, second: evidence.first })).rejects.toThrow('do not contradict');
        await expect(slashNode(stranger, { ...evidence, epoch: 8 })).rejects.toThrow('not evidence');
        const revoked = await chain.run(governor, revokeKey(governor, { nodeKey: node.publicKey }));
        expect(revoked.result!.revokedAt).toBe(chain.blockchain.now);
        const before = await chain.balance(stranger.sender.address);
        const { result } = await chain.run(stranger, slashNode(stranger, evidence));
        expect(result!.bondNano).toBe(toNano('6'));
        expect((await chain.balance(stranger.sender.address)) - before).toBeGreaterThan(toNano('0.55'));
        expect((await chain.run(stranger, slashNode(stranger, evidence))).lines[0]).toContain('already');
    });
});
