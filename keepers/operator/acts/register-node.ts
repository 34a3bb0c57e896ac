import { Address, type OpenedContract } from '@ton/core';
import { z } from 'zod';
import { inspectQuote } from '../../attestation';
import {
    type AllowedImage,
    authorizationCell,
    type KeyBundle,
    keyBundleBytes,
    keyBundleCell,
    keyBundleHash,
    type NodeKey,
    Provider,
    type QuoteVerifier,
    type Registry,
    usableEvaluation,
} from '../../../wrappers';
import { type ActPlan, planMessage, type PlannedMessage } from '../act';
import type { OperatorContext } from '../context';
import { readBundle, readFile, signWith } from '../bundle-file';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openRegistry, requireActive } from '../network-addresses';
import { openVerifier } from './show-collateral';

export interface RegisteredNode extends NodeKey {
    provider: Address;
    nodeKey: Buffer;
}

export const registerNode = defineAct({
    name: 'register-node',
    purpose: 'Has a node’s key recorded under its provider: by its quote, or by the higher bond for a SEV-SNP image',
    args: z.strictObject({
        quoteFile: z.string().min(1).optional().describe('file with the raw TDX quote; none for a SEV-SNP image'),
        bundleFile: z.string().min(1).describe(`file with the key bundle, ${keyBundleBytes} bytes or their hex`),
        authorization: bytes(64).optional().describe('the operator key’s signature over the bundle, hex'),
        possession: bytes(64)
            .optional()
            .describe('for a SEV-SNP image: the node key’s own signature over the bundle, hex'),
        operatorKeyFile: z.string().optional().describe('file with the operator key’s seed, to sign here instead'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, args): Promise<ActPlan<RegisteredNode>> {
        const registry = await openRegistry(context, args.registry);
        const bundle = readBundle(args.bundleFile);
        if (!bundle.network.equals(registry.address.hash)) {
            throw new OperatorError('argument_invalid', 'the bundle is of another network');
        }
        const provider = context.open(Provider.createFromAddress(new Address(0, bundle.provider)));
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const bundleHash = keyBundleHash(bundle);
        const isRecorded = (key: NodeKey | null): key is NodeKey =>
            key !== null && (key.bundleHash.equals(bundleHash) || key.notAfter >= bundle.notAfter);
        const isDone = isRecorded(await provider.getKey(bundle.signingKey));
        return {
            title: isDone ? 'The node key is recorded already' : 'Register the node',
            summary: [`provider ${provider.address}`, `node key ${bundle.signingKey.toString('hex')}`],
            messages: isDone ? [] : [await registration(context, registry, { bundle, ...args })],
            readBack: async () => {
                const key = await provider.getKey(bundle.signingKey);
                return isRecorded(key) ? { provider: provider.address, nodeKey: bundle.signingKey, ...key } : null;
            },
            describe: (node) => [`node key ${node.nodeKey.toString('hex')} until ${isoTime(node.notAfter)}`],
        };
    },
});

interface RegistrationArguments {
    bundle: KeyBundle;
    quoteFile?: string;
    authorization?: Buffer;
    possession?: Buffer;
    operatorKeyFile?: string;
}

/** The kind of the image decides who verifies: the chain a quote, clients a SEV-SNP report, which is not sent. */
async function registration(
    context: OperatorContext,
    registry: OpenedContract<Registry>,
    { bundle, quoteFile, authorization: given, possession, operatorKeyFile }: RegistrationArguments,
): Promise<PlannedMessage> {
    const { imageKind } = await allowedImage(registry, bundle);
    const responseTo = context.sender.address;
    const authorization = authorizationCell(given ?? signWith(operatorKeyFile, bundle));
    if (imageKind === 'sev-snp') {
        if (possession === undefined) {
            throw new OperatorError('argument_invalid', 'a SEV-SNP image: the node key must sign the bundle itself');
        }
        const purpose = 'record the key under the higher bond; the rest comes back';
        return planMessage(responseTo, purpose, (via) =>
            registry.sendRegisterByBond(via, { bundle, authorization, possession, responseTo }),
        );
    }
    if (quoteFile === undefined) {
        throw new OperatorError('argument_invalid', 'the image is one of TDX guests: its key needs the quote');
    }
    const verifier = await openVerifier(context, registry.address);
    const quote = readFile(quoteFile);
    const evaluation = await evaluationFor(verifier, quote, await context.nowSec());
    const options = { quote, evaluation, bundle: keyBundleCell(bundle), authorization, responseTo };
    const purpose = 'verify the quote and record the key; the rest comes back';
    return planMessage(responseTo, purpose, (via) => verifier.sendVerify(via, options));
}

/** What the registry would refuse after an expensive verification, refused before it. */
async function allowedImage(registry: OpenedContract<Registry>, bundle: KeyBundle): Promise<AllowedImage> {
    const image = (await registry.getImages()).get(bundle.imageId.toString('hex'));
    if (image === undefined) {
        throw new OperatorError('refused', `image ${bundle.imageId.toString('hex')} is not allowed in this network`);
    }
    if (!(await registry.getModelAllowed(bundle.modelRoot))) {
        throw new OperatorError('refused', `model ${bundle.modelRoot.toString('hex')} is not allowed in this network`);
    }
    return image;
}

/** Of the newest collateral on chain that judges this machine. */
async function evaluationFor(verifier: OpenedContract<QuoteVerifier>, quote: Buffer, nowSec: number): Promise<number> {
    const { fmspc } = inspectQuote(quote).platform;
    const held = await verifier.getCollateral();
    const evaluation = usableEvaluation(held, Buffer.from(fmspc, 'hex'), new Date(nowSec * 1000));
    if (evaluation !== null) return evaluation;
    throw new OperatorError(
        'not_ready',
        `the chain holds no collateral in force for the platform family ${fmspc}: run post-collateral, or a registrar`,
    );
}
