import { Address, beginCell } from '@ton/core';
import { storeQuoteVerified } from '../../../build/Registry/Registry_Registry';
import {
    authorizationCell,
    authorizationDigest,
    KeyBundle,
    keyBundleCell,
    keyBundleHash,
    possessionDigest,
} from '../../../wrappers';
import { uint256 } from '../../../wrappers/uint256';
import { testKey } from '../../contracts/support/ed25519';
import { actor } from '../actors';
import { bodyOf } from '../encode';
import { hex } from '../lines';
import { Action, Cause, Letter } from '../model/letter';
import { images, modelRoot, platforms, raw } from '../scene';
import { plain, someone } from './parties';
import { Performers } from './performers';

/** Registrations and governance. */
export const registryPerformers: Pick<
    Performers,
    'register' | 'recheck' | 'prunePlatform' | 'propose' | 'execute' | 'cancel' | 'deny'
> = {
    async register(world, operation) {
        const { node, through, by, lifeSec, image, byBond, platform, authorized, pay } = operation;
        const index = (node + through) % world.scene.providers.length;
        const provider = world.scene.providers[index]!;
        const network = world.scene.registry.network;
        const bundle: KeyBundle = {
            network,
            provider: provider.address.hash,
            role: 1,
            suite: world.scene.nodeKeys[node]!.suite,
            signingKey: world.scene.nodeKeys[node]!.publicKey,
            imageId: images[image]!,
            modelRoot,
            gpuEvidenceDigest: Buffer.alloc(32),
            mcSeqno: 4200,
            mcRootHash: Buffer.alloc(32, 0x44),
            notAfter: world.chain.now + lifeSec,
        };
        const bundleHash = keyBundleHash(bundle);
        const signer = [world.scene.operatorKeys[index]!, testKey('soak forger'), null][authorized] ?? null;
        const digest = authorizationDigest({ network, provider: provider.address.hash, bundleHash });
        const responseTo = actor('settler 0');
        const authorization = authorizationCell(signer?.sign(digest));
        const quoted = beginCell().store(
            storeQuoteVerified({
                $$type: 'QuoteVerified',
                queryId: 5n,
                imageId: uint256('imageId', bundle.imageId),
                platformId: uint256('platformId', platforms[platform]!),
                bundleHash: uint256('bundleHash', bundleHash),
                responseTo,
                bundle: keyBundleCell(bundle),
                authorization,
                evidence: beginCell()
                    .storeBuffer(bundle.mcRootHash)
                    .storeUint(0x10000000, 64)
                    .storeUint(0, 8)
                    .storeUint(18, 32)
                    .storeUint(0, 48)
                    .endCell(),
            }),
        );
        const { registry } = world.scene;
        const possession = world.scene.nodeKeys[node]!.sign(possessionDigest(bundleHash));
        const unquoted = await bodyOf((chain, sender) =>
            registry.sendRegisterByBond(chain, sender, { bundle, authorization, possession, responseTo }),
        );
        const letter: Letter = {
            op: byBond ? 'registerByBond' : 'quoteVerified',
            provider: raw(provider.address),
            nodeKey: hex(bundle.signingKey),
            suite: bundle.suite,
            notAfter: bundle.notAfter,
            bundleHash: hex(bundleHash),
            imageId: hex(bundle.imageId),
            modelRoot: hex(modelRoot),
            platformId: hex(platforms[platform]!),
            responseTo: raw(responseTo),
            authorizedBy: signer ? hex(signer.publicKey) : '',
        };
        const from = by === 0 ? actor('verifier') : someone(by);
        const body = byBond ? unquoted : quoted.endCell();
        world.send({ from, to: registry.address, valueNano: plain(pay), body, letter });
    },
    async recheck(world, { node, hub: index, cause: choice, id, by, pay }) {
        const { registry, providers, nodeKeys, hubs } = world.scene;
        const provider = providers[node % providers.length]!.address;
        const nodeKey = nodeKeys[node]!.publicKey;
        const hub = hubs[index]?.address ?? new Address(0, Buffer.alloc(32, 0xee));
        const distrusted = [{ platformId: platforms[id]! }, { imageId: images[id]! }, { modelRoot }][choice]!;
        const [cause, value] = Object.entries(distrusted)[0] as [Cause, Buffer];
        const body = await bodyOf((chain, sender) =>
            registry.sendRecheck(chain, sender, { provider, hub, nodeKey, distrusted }),
        );
        const named = { provider: raw(provider), nodeKey: hex(nodeKey), hub: raw(hub) };
        const from = by === 0 ? actor('stranger') : someone(by);
        const letter: Letter = { op: 'recheck', ...named, cause, id: hex(value) };
        world.send({ from, to: registry.address, valueNano: plain(pay), body, letter });
    },
    async prunePlatform(world, { platform, by, pay }) {
        const { registry } = world.scene;
        const platformId = platforms[platform]!;
        const body = await bodyOf((chain, sender) => registry.sendPrunePlatform(chain, sender, { platformId }));
        const from = by === 0 ? actor('stranger') : someone(by);
        const letter: Letter = { op: 'prunePlatform', platformId: hex(platformId) };
        world.send({ from, to: registry.address, valueNano: plain(pay), body, letter });
    },
    async propose(world, { action: choice, by, pay }) {
        const { registry } = world.scene;
        const isParameters = choice < 3;
        const minBondNano = BigInt(5 + 5 * choice) * 1_000_000_000n;
        const platformId = platforms[choice % platforms.length]!;
        const parameters = { minBondNano, minHubBondNano: minBondNano, maxKeysPerPlatform: 2 + choice };
        const fixed = { maxKeyLifeSec: 3 * 86_400, maxHubFeeBps: 2000, minCloseDelaySec: 600 };
        const minClientVerifiedBondNano = 100_000_000_000n;
        const action = isParameters
            ? { kind: 'setParameters' as const, ...parameters, ...fixed, minClientVerifiedBondNano }
            : { kind: 'allowPlatform' as const, platformId };
        const modelled: Action = isParameters
            ? { kind: 'setParameters', ...parameters }
            : { kind: 'allowPlatform', platformId: hex(platformId) };
        const body = await bodyOf((chain, sender) => registry.sendPropose(chain, sender, { action }));
        const from = by === 0 ? actor('governor') : someone(by);
        world.send({
            from,
            to: registry.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'propose', action: modelled },
        });
    },
    async execute(world, { back, by, pay }) {
        const { registry } = world.scene;
        const proposalId = Math.max(0, world.model.registry.lastProposalId - back);
        const body = await bodyOf((chain, sender) => registry.sendExecute(chain, sender, { proposalId }));
        const from = by === 0 ? actor('stranger') : someone(by);
        world.send({ from, to: registry.address, valueNano: plain(pay), body, letter: { op: 'execute', proposalId } });
    },
    async cancel(world, { back, by, pay }) {
        const { registry } = world.scene;
        const proposalId = Math.max(0, world.model.registry.lastProposalId - back);
        const body = await bodyOf((chain, sender) => registry.sendCancel(chain, sender, { proposalId }));
        const from = by === 0 ? actor('guardian') : someone(by);
        world.send({ from, to: registry.address, valueNano: plain(pay), body, letter: { op: 'cancel', proposalId } });
    },
    async deny(world, { platform, by, pay }) {
        const { registry } = world.scene;
        const platformId = platforms[platform]!;
        const body = await bodyOf((chain, sender) => registry.sendDenyPlatform(chain, sender, { platformId }));
        const letter: Letter = { op: 'denyPlatform', platformId: hex(platformId) };
        const from = by === 0 ? actor('guardian') : someone(by);
        world.send({ from, to: registry.address, valueNano: plain(pay), body, letter });
    },
};
