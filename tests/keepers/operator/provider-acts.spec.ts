import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { toNano } from '@ton/core';
import { createDevelopmentPki, mintTdxQuote } from '../../../keepers/attestation';
import { signerFromSeed } from '../../../keepers/confidential';
import { createSimulatedTee } from '../../../keepers/devnet/simulated-tee';
import {
    admitNode,
    authorizeBundle,
    bond,
    claim,
    createProvider,
    deployNetwork,
    openEscrow,
    postCollateral,
    registerNode,
    settle,
    showCollateral,
    showNetwork,
    showProvider,
    unbond,
    verifyQuote,
    withdrawBond,
    withdrawFees,
} from '../../../keepers/operator';
import {
    capDigest,
    encodeKeyBundle,
    type KeyBundle,
    keyBundleHash,
    receiptDigest,
    reportDataFor,
} from '../../../wrappers';
import { createOperatorChain, madeOnce, startTime, TestConsole } from './operator-chain';

const tee = createSimulatedTee({ pkiSeed: Buffer.alloc(32, 7), platform: 0, now: new Date(startTime * 1000) });
const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 7), now: new Date(startTime * 1000) });
const modelRoot = Buffer.alloc(32, 2);
const node = signerFromSeed(Buffer.alloc(32, 8));
const session = signerFromSeed(Buffer.alloc(32, 9));

const start = madeOnce(async () => {
    const chain = await createOperatorChain();
    const operator = await chain.actor('operator');
    const spec = {
        kind: 'development' as const,
        rootPublicKey: tee.rootKey,
        governanceDelaySec: 0,
        parameters: { minBondNano: toNano('2'), maxKeyLifeSec: 86_400, minHubBondNano: toNano('5') },
        images: [{ imageId: tee.imageId, name: 'simulated guest' }],
        models: [{ modelRoot, name: 'toy' }],
        hubs: [{ closeDelaySec: 120, maxFeeBps: 1000, initialFeeBps: 250 }],
    };
    const deployment = await deployNetwork(operator, spec, {
        console: new TestConsole(),
        assumeYes: true,
        clock: chain.clock,
    });
    return { chain, operator, deployment: deployment!, owner: await chain.actor('owner') };
});

type World = Awaited<ReturnType<typeof start>>;

async function evidenceOf({ chain, deployment }: World, provider: Buffer) {
    const bundle: KeyBundle = {
        network: deployment.registry.hash,
        provider,
        role: 1,
        suite: 1,
        signingKey: node.publicKey,
        imageId: tee.imageId,
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 100,
        mcRootHash: Buffer.alloc(32, 6),
        notAfter: startTime + 43_200,
    };
    const bundleFile = path.join(chain.folder, 'bundle.hex');
    const quoteFile = path.join(chain.folder, 'quote.bin');
    writeFileSync(bundleFile, encodeKeyBundle(bundle).toString('hex'));
    writeFileSync(quoteFile, await tee.quote(reportDataFor(bundle)));
    return { bundle, bundleFile, quoteFile };
}

/** A receipt of the node and a cap of the session key, as a file that `settle` reads. */
function linesFile({ chain, deployment }: World, escrow: { address: { hash: Buffer }; epoch: number }): string {
    const scope = { network: deployment.registry.hash, escrow: escrow.address.hash, epoch: escrow.epoch };
    const nodeKey = node.publicKey;
    const reference = Buffer.alloc(32, 1);
    const requestHash = Buffer.alloc(32, 2);
    const receipt = {
        nodeKey,
        sessionKey: session.publicKey,
        sequence: 1,
        costNano: 400n,
        cumulativeNano: 400n,
        reference,
    };
    const cap = { nodeKey, cumulativeNano: 1_000n, requestHash };
    const line = {
        escrow: scope.escrow.toString('hex'),
        epoch: scope.epoch,
        nodeKey: nodeKey.toString('hex'),
        sessionKey: session.publicKey.toString('hex'),
        sequence: 1,
        costNano: '400',
        cumulativeNano: '400',
        reference: reference.toString('hex'),
        signature: node.sign(receiptDigest({ ...scope, ...receipt })).toString('hex'),
        requestHash: requestHash.toString('hex'),
        capCumulativeNano: '1000',
        capSignature: session.sign(capDigest({ ...scope, ...cap })).toString('hex'),
    };
    const forged = { ...line, signature: line.capSignature };
    const file = path.join(chain.folder, 'lines.json');
    writeFileSync(file, JSON.stringify([forged, line]));
    return file;
}

describe('acts of a provider', () => {
    it('takes a node from its quote to its earnings', async () => {
        const world = await start();
        const { chain, operator, owner } = world;
        const created = (await chain.run(owner, createProvider(owner, {}))).result!;
        const { bundle, bundleFile, quoteFile } = await evidenceOf(world, created.address.hash);
        await chain.run(owner, bond(owner, { bondNano: toNano('3') }));
        await chain.run(owner, authorizeBundle(owner, { bundleHash: keyBundleHash(bundle) }));

        const files = { bundleFile, quoteFile };
        await expect(registerNode(owner, files)).rejects.toThrow('run post-collateral');
        const collateralFile = path.join(chain.folder, 'collateral.json');
        const { collateral } = mintTdxQuote({ pki, reportData: Buffer.alloc(64) });
        writeFileSync(collateralFile, JSON.stringify(collateral));
        const held = (await chain.run(owner, postCollateral(owner, { collateralFile }))).result!;
        expect(held.tcbInfos).toMatchObject([{ evaluation: 18 }]);
        expect((await postCollateral(owner, { collateralFile })).messages).toEqual([]);
        const shownCollateral = await chain.run(owner, showCollateral(owner, {}));
        expect(shownCollateral.lines.join()).toContain('TCB info of 90c06f000000, evaluation 18');
        chain.knowBlock(bundle.mcRootHash);
        const asked = (await chain.run(owner, verifyQuote(owner, { quoteFile }))).result!;
        expect(asked).toMatchObject({ status: 'UpToDate', imageId: bundle.imageId });
        const registered = (await chain.run(owner, registerNode(owner, files))).result!;
        expect(registered).toMatchObject({ nodeKey: node.publicKey, notAfter: bundle.notAfter });
        expect((await registerNode(owner, files)).messages).toEqual([]);
        const admitted = (await chain.run(owner, admitNode(owner, { nodeKey: node.publicKey }))).result!;
        expect(admitted).toMatchObject({ notAfter: bundle.notAfter, revokedAt: null });
        expect((await admitNode(owner, { nodeKey: node.publicKey })).messages).toEqual([]);
        await expect(unbond(owner, { bondNano: 0n })).rejects.toThrow('live node keys need a bond of 2 TON');

        const client = await chain.actor('client');
        const opening = openEscrow(client, { sessionKey: session.publicKey, depositNano: toNano('1') });
        const file = linesFile(world, (await chain.run(client, opening)).result!);
        const settled = (await chain.run(owner, settle(owner, { linesFile: file }))).result!;
        expect(settled.settledNano).toBe(400n);
        expect(settled.lines.map(({ skipped }) => skipped)).toEqual(['the node did not sign the receipt', null]);
        expect((await settle(owner, { linesFile: file })).messages).toEqual([]);

        expect((await chain.run(owner, claim(owner, {}))).result).toMatchObject({ claimedNano: 390n, creditNano: 0n });
        expect((await claim(owner, {})).messages).toEqual([]);
        expect((await chain.run(operator, withdrawFees(operator, {}))).result!.withdrawnNano).toBe(10n);
        await expect(withdrawFees(owner, {})).rejects.toMatchObject({ code: 'refused' });

        const shown = (await chain.run(owner, showProvider(owner, {}))).result!;
        expect([...shown.keys.keys()]).toEqual([node.publicKey.toString('hex')]);
        expect((await chain.run(owner, showNetwork(owner, {}))).result!.hubs).toMatchObject([{ nodeCount: 1 }]);
    });

    it('bonds up to an amount and takes it out again after the delay', async () => {
        const { chain, owner } = await start();
        await expect(bond(owner, { bondNano: 1n })).rejects.toThrow('run create-provider first');
        await chain.run(owner, createProvider(owner, { operatorKey: node.publicKey }));
        await chain.run(owner, bond(owner, { bondNano: toNano('3') }));
        expect((await bond(owner, { bondNano: toNano('3') })).messages).toEqual([]);
        const { result } = await chain.run(owner, unbond(owner, { bondNano: toNano('1') }));
        expect(result).toMatchObject({ bondNano: toNano('1') });
        expect((await unbond(owner, { bondNano: toNano('1') })).messages).toEqual([]);
        await expect(withdrawBond(owner, {})).rejects.toMatchObject({ code: 'not_ready', action: 'retry' });
        chain.advance(7 * 86_400);
        const withdrawn = (await chain.run(owner, withdrawBond(owner, {}))).result!;
        expect(withdrawn.withdrawnNano).toBe(result!.unbondingNano);
        expect((await chain.run(owner, withdrawBond(owner, {}))).result!.withdrawnNano).toBe(0n);
    });

    it('refuses evidence of another network, and of an image that is not allowed, before anything is sent', async () => {
        const world = await start();
        const { owner, chain } = world;
        const created = (await chain.run(owner, createProvider(owner, {}))).result!;
        const { bundle, quoteFile, bundleFile } = await evidenceOf(world, created.address.hash);
        const sent = owner.sender.sent.length;
        writeFileSync(bundleFile, encodeKeyBundle({ ...bundle, network: Buffer.alloc(32, 1) }));
        await expect(registerNode(owner, { bundleFile, quoteFile })).rejects.toThrow('of another network');
        writeFileSync(bundleFile, encodeKeyBundle({ ...bundle, imageId: Buffer.alloc(32, 1) }));
        await expect(registerNode(owner, { bundleFile, quoteFile })).rejects.toMatchObject({ code: 'refused' });
        writeFileSync(bundleFile, 'nonsense');
        await expect(registerNode(owner, { bundleFile, quoteFile })).rejects.toMatchObject({
            code: 'argument_invalid',
        });
        expect(owner.sender.sent).toHaveLength(sent);
    });
});
