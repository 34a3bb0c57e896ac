import type { Address } from '@ton/core';
import { z } from 'zod';
import { intelRootKey, Registry, type RegistryState } from '../../../wrappers';
import { ifActive } from '../account';
import { type ActPlan, planMessage } from '../act';
import type { OperatorContext } from '../context';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes, networkKind, uint32 } from '../fields';

export interface RegistryView extends RegistryState {
    address: Address;
}

export const registryArguments = {
    kind: networkKind.describe('production pins Intel’s root key; development takes a root key of its own'),
    rootPublicKey: bytes(64).optional().describe('P-256 root key x | y, hex; Intel’s for production'),
    owner: address.optional().describe('who proposes changes; your wallet unless given'),
    guardian: address.optional().describe('who may revoke and cancel; your wallet unless given'),
    governanceDelaySec: uint32.describe('seconds that a proposal waits in public'),
    salt: uint32.default(0).describe('networks of one owner differ by it; 0 unless given'),
};

const schema = z.strictObject(registryArguments);

export const deployRegistry = defineAct({
    name: 'deploy-registry',
    purpose: 'Deploys a network’s registry and begins its deployment file',
    args: schema,
    async plan(context, args): Promise<ActPlan<RegistryView>> {
        const terms = registryTerms(context, args);
        const registry = context.open(await Registry.createFromConfig(terms));
        const read = () => ifActive(context, registry.address, () => registry.getState());
        const isDone = (await read()) !== null;
        refuseOtherNetwork(context, registry.address);
        const message = () =>
            planMessage(context.sender.address, 'deploy the registry and prepay its storage', (via) =>
                registry.sendDeploy(via),
            );
        return {
            title: isDone ? 'The registry exists' : 'Deploy the registry',
            summary: [
                `registry ${registry.address}`,
                `${terms.kind} network, root key ${terms.rootKey.toString('hex').slice(0, 16)}…`,
                `owner ${terms.owner}, guardian ${terms.guardian}`,
                `changes wait ${terms.governanceDelaySec} s`,
            ],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                const state = await read();
                if (state === null) return null;
                return { address: registry.address, ...state };
            },
            describe: (view) => [`registry ${view.address}`, `network ${view.address.hash.toString('hex')}`],
            record: ({ address: registry }) => {
                const { kind, rootKey, ...registryTerms } = terms;
                const rootPublicKey = Buffer.from(rootKey);
                const deployment = { kind, rootPublicKey, registry, registryTerms, quoteVerifier: null, hubs: [] };
                context.deployment.recordRegistry({ version: 1, ...deployment });
            },
        };
    },
});

function registryTerms(context: OperatorContext, args: z.output<typeof schema>) {
    const { kind, owner = context.sender.address, guardian = context.sender.address, governanceDelaySec, salt } = args;
    const rootKey = args.rootPublicKey ?? (kind === 'production' ? intelRootKey : null);
    if (rootKey === null) {
        throw new OperatorError('argument_invalid', 'deploy-registry: a development network needs rootPublicKey');
    }
    if (kind === 'production' && !rootKey.equals(intelRootKey)) {
        throw new OperatorError(
            'argument_invalid',
            'deploy-registry: a production network has Intel’s root key and no other',
        );
    }
    return { kind, rootKey, owner, guardian, governanceDelaySec, salt };
}

/** A deployment file is of one network: overwriting it would lose the addresses of the other. */
function refuseOtherNetwork(context: OperatorContext, registry: Address): void {
    const known = context.deployment.read();
    if (known === null || known.registry.equals(registry)) return;
    throw new OperatorError(
        'argument_invalid',
        `${context.deployment.file} is of another network, registry ${known.registry}: choose another file, or give the terms of that registry`,
    );
}
