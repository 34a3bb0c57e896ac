import { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { authorizationCell, keyBundleBytes, keyBundleHash, type NodeKey, Provider } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { readBundle, signWith } from '../bundle-file';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openRegistry, requireActive } from '../network-addresses';
import type { RegisteredNode } from './register-node';

export const registerByBond = defineAct({
    name: 'register-by-bond',
    purpose: 'Records the key of a node that only clients can verify (SEV-SNP), under the higher bond',
    args: z.strictObject({
        bundleFile: z.string().min(1).describe(`file with the key bundle, ${keyBundleBytes} bytes or their hex`),
        authorization: bytes(64).optional().describe('the operator key’s signature over the bundle, hex'),
        possession: bytes(64).describe('the node key’s own signature over the bundle, hex'),
        operatorKeyFile: z.string().optional().describe('file with the operator key’s seed, to sign here instead'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, args): Promise<ActPlan<RegisteredNode>> {
        const registry = await openRegistry(context, args.registry);
        const bundle = readBundle(args.bundleFile);
        if (!bundle.network.equals(registry.address.hash)) {
            throw new OperatorError('argument_invalid', 'the bundle is of another network');
        }
        const image = (await registry.getImages()).get(bundle.imageId.toString('hex'));
        if (image?.imageKind !== 'sev-snp') {
            throw new OperatorError(
                'refused',
                `image ${bundle.imageId.toString('hex')} is not an allowed sev-snp image`,
            );
        }
        const provider = context.open(Provider.createFromAddress(new Address(0, bundle.provider)));
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const { minClientVerifiedBondNano } = await registry.getState();
        const bundleHash = keyBundleHash(bundle);
        const isRecorded = (key: NodeKey | null): key is NodeKey =>
            key !== null && (key.bundleHash.equals(bundleHash) || key.notAfter >= bundle.notAfter);
        const isDone = isRecorded(await provider.getKey(bundle.signingKey));
        const signature = args.authorization ?? signWith(args.operatorKeyFile, bundle);
        const authorization = authorizationCell(signature);
        const options = { bundle, authorization, possession: args.possession, responseTo: context.sender.address };
        const message = () =>
            planMessage(context.sender.address, 'record the key; the rest comes back', (via) =>
                registry.sendRegisterByBond(via, options),
            );
        return {
            title: isDone ? 'The node key is recorded already' : 'Register the node by bond',
            summary: [
                `provider ${provider.address}`,
                `node key ${bundle.signingKey.toString('hex')}`,
                `takes ${formatTon(minClientVerifiedBondNano)} TON of the provider's bond`,
            ],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                const key = await provider.getKey(bundle.signingKey);
                return isRecorded(key) ? { provider: provider.address, nodeKey: bundle.signingKey, ...key } : null;
            },
            describe: (node) => [`node key ${node.nodeKey.toString('hex')} until ${isoTime(node.notAfter)}`],
        };
    },
});
