import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { toNano } from '@ton/core';
import { signerFromSeed } from '../../../keepers/confidential';
import { simulatedSnpImageId } from '../../../keepers/devnet/simulated-snp';
import {
    admitNode,
    authorizeBundle,
    bond,
    createProvider,
    deployNetwork,
    registerNode,
    showNetwork,
    unbond,
} from '../../../keepers/operator';
import { encodeKeyBundle, type KeyBundle, keyBundleHash, possessionDigest } from '../../../wrappers';
import { createOperatorChain, madeOnce, startTime, TestConsole } from './operator-chain';

const modelRoot = Buffer.alloc(32, 2);
const tdxImageId = Buffer.alloc(32, 3);
const node = signerFromSeed(Buffer.alloc(32, 8));

const start = madeOnce(async () => {
    const chain = await createOperatorChain();
    const operator = await chain.actor('operator');
    const spec = {
        kind: 'development' as const,
        rootPublicKey: Buffer.alloc(64, 1),
        governanceDelaySec: 0,
        parameters: {
            minBondNano: toNano('2'),
            minClientVerifiedBondNano: toNano('4'),
            maxKeyLifeSec: 86_400,
            minHubBondNano: toNano('5'),
        },
        images: [
            { imageId: simulatedSnpImageId, imageKind: 'sev-snp' as const, name: 'SEV-SNP guest' },
            { imageId: tdxImageId, name: 'TDX guest' },
        ],
        models: [{ modelRoot, name: 'toy' }],
        hubs: [{ closeDelaySec: 120, maxFeeBps: 1000, initialFeeBps: 250 }],
    };
    const running = { console: new TestConsole(), assumeYes: true, clock: chain.clock };
    const deployment = (await deployNetwork(operator, spec, running))!;
    const owner = await chain.actor('owner');
    const provider = (await chain.run(owner, createProvider(owner, {}))).result!.address.hash;
    const bundleOf = (imageId: Buffer): KeyBundle => ({
        network: deployment.registry.hash,
        provider,
        role: 1,
        suite: 1,
        signingKey: node.publicKey,
        imageId,
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 100,
        mcRootHash: Buffer.alloc(32, 6),
        notAfter: startTime + 43_200,
    });
    const bundleFile = (imageId: Buffer): string => {
        const file = path.join(chain.folder, `${imageId.toString('hex').slice(0, 8)}.bundle`);
        writeFileSync(file, encodeKeyBundle(bundleOf(imageId)));
        return file;
    };
    return { chain, operator, owner, bundleOf, bundleFile };
});

describe('registering a node in a SEV-SNP guest', () => {
    it('needs no quote but the higher bond, and the hub admits it like any other', async () => {
        const { chain, operator, owner, bundleOf, bundleFile } = await start();
        const bundleHash = keyBundleHash(bundleOf(simulatedSnpImageId));
        const possession = node.sign(possessionDigest(bundleHash));
        const args = { bundleFile: bundleFile(simulatedSnpImageId), possession };
        await chain.run(owner, authorizeBundle(owner, { bundleHash }));

        // Enough for a key that the chain verified, not for this one.
        await chain.run(owner, bond(owner, { bondNano: toNano('3') }));
        await expect(chain.run(owner, registerNode(owner, args))).rejects.toMatchObject({ code: 'result_not_seen' });

        await chain.run(owner, bond(owner, { bondNano: toNano('4') }));
        const registered = (await chain.run(owner, registerNode(owner, args))).result!;
        expect(registered).toMatchObject({ nodeKey: node.publicKey, bondNano: toNano('4') });
        expect((await registerNode(owner, args)).messages).toEqual([]);
        const admitted = (await chain.run(owner, admitNode(owner, { nodeKey: node.publicKey }))).result!;
        expect(admitted.revokedAt).toBeNull();
        await expect(unbond(owner, { bondNano: 0n })).rejects.toThrow('4 TON');

        const { lines } = await chain.run(operator, showNetwork(operator, {}));
        expect(lines.join('\n')).toContain(`sev-snp image ${simulatedSnpImageId.toString('hex')} SEV-SNP guest`);
    });

    it('needs the node key to sign for itself', async () => {
        const { owner, bundleFile } = await start();
        const unsigned = registerNode(owner, { bundleFile: bundleFile(simulatedSnpImageId) });
        await expect(unsigned).rejects.toThrow('must sign the bundle itself');
    });

    it('does not spare an image of TDX guests its quote', async () => {
        const { owner, bundleFile } = await start();
        await expect(registerNode(owner, { bundleFile: bundleFile(tdxImageId) })).rejects.toThrow('needs the quote');
    });
});
