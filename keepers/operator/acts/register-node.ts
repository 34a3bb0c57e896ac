import { readFileSync } from 'node:fs';
import { Address, type OpenedContract } from '@ton/core';
import { z } from 'zod';
import { inspectQuote } from '../../attestation';
import { errorMessage } from '../../base';
import {
    authorizationCell,
    authorizationDigest,
    decodeKeyBundle,
    type KeyBundle,
    keyBundleBytes,
    keyBundleCell,
    keyBundleHash,
    type NodeKey,
    Provider,
    QuoteVerifier,
    type Registry,
    usableEvaluation,
} from '../../../wrappers';
import { signerFromSeed } from '../../confidential';
import { readSeedFile } from '../../config';
import { type ActPlan, planMessage } from '../act';
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
    purpose: 'Has a node’s quote verified on chain and its key recorded under its provider',
    args: z.strictObject({
        quoteFile: z.string().min(1).describe('file with the raw TDX quote'),
        bundleFile: z.string().min(1).describe(`file with the key bundle, ${keyBundleBytes} bytes or their hex`),
        authorization: bytes(64).optional().describe('the operator key’s signature over the bundle, hex'),
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
        // The registry cuts a longer life short.
        const recordedUntil = (await context.nowSec()) + (await registry.getState()).maxKeyLifeSec;
        const wantedUntil = Math.min(bundle.notAfter, recordedUntil);
        const bundleHash = keyBundleHash(bundle);
        const isRecorded = (key: NodeKey | null): key is NodeKey =>
            key !== null && (key.bundleHash.equals(bundleHash) || key.notAfter >= wantedUntil);
        const isDone = isRecorded(await provider.getKey(bundle.signingKey));
        const message = async () => {
            await requireAllowed(registry, bundle);
            const verifier = await openVerifier(context, registry.address);
            const authorization = authorizationCell(args.authorization ?? signWith(args.operatorKeyFile, bundle));
            const quote = readFile(args.quoteFile);
            const evaluation = await evaluationFor(verifier, quote, await context.nowSec());
            const options = {
                quote,
                evaluation,
                bundle: keyBundleCell(bundle),
                authorization,
                responseTo: context.sender.address,
            };
            return planMessage(
                context.sender.address,
                'verify the quote and record the key; the rest comes back',
                (via) => verifier.sendVerify(via, options),
            );
        };
        return {
            title: isDone ? 'The node key is recorded already' : 'Register the node',
            summary: [`provider ${provider.address}`, `node key ${bundle.signingKey.toString('hex')}`],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                const key = await provider.getKey(bundle.signingKey);
                return isRecorded(key) ? { provider: provider.address, nodeKey: bundle.signingKey, ...key } : null;
            },
            describe: (node) => [`node key ${node.nodeKey.toString('hex')} until ${isoTime(node.notAfter)}`],
        };
    },
});

function readFile(file: string): Buffer {
    try {
        return readFileSync(file);
    } catch (error) {
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}

function readBundle(file: string): KeyBundle {
    const raw = readFile(file);
    const content = raw.length === keyBundleBytes ? raw : Buffer.from(raw.toString('latin1').trim(), 'hex');
    try {
        return decodeKeyBundle(content);
    } catch (error) {
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}

function signWith(seedFile: string | undefined, bundle: KeyBundle): Buffer | undefined {
    if (seedFile === undefined) return undefined;
    const { network, provider } = bundle;
    const digest = authorizationDigest({ network, provider, bundleHash: keyBundleHash(bundle) });
    return signerFromSeed(readSeedFile(seedFile)).sign(digest);
}

/** What the registry would refuse after an expensive verification, refused before it. */
async function requireAllowed(registry: OpenedContract<Registry>, bundle: KeyBundle): Promise<void> {
    if (!(await registry.getImageAllowed(bundle.imageId))) {
        throw new OperatorError('refused', `image ${bundle.imageId.toString('hex')} is not allowed in this network`);
    }
    if (!(await registry.getModelAllowed(bundle.modelRoot))) {
        throw new OperatorError('refused', `model ${bundle.modelRoot.toString('hex')} is not allowed in this network`);
    }
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
