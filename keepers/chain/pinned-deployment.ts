import { Payout, QuoteVerifier, Registry } from '../../wrappers';
import { type Deployment, readDeployment } from './deployments';
import { ChainError } from './errors';

/**
 * Reads a deployment and recomputes every address in it from what it claims to be made of: network kind, root key, owner
 * and delays are in the registry's address, and the registry's in those of verifier and hubs. So neither a changed file
 * nor a lying endpoint can pass a development root off as the network that was pinned.
 * @throws ChainError `deployment_invalid`
 */
export async function readPinnedDeployment(file: string): Promise<Deployment> {
    const deployment = readDeployment(file);
    const { kind, rootPublicKey, registry, registryTerms, quoteVerifier, hubs } = deployment;
    if (kind === 'production') refuseOwnRoots(file, deployment);
    const expected = await Registry.createFromConfig({ kind, rootKey: rootPublicKey, ...registryTerms });
    if (!expected.address.equals(registry)) throw mismatch(file, 'registry');
    const kindNumber = kind === 'production' ? 1 : 2;
    const verifier = await QuoteVerifier.createFromConfig({ registry, kind: kindNumber, rootKey: rootPublicKey });
    if (quoteVerifier !== null && !verifier.address.equals(quoteVerifier)) throw mismatch(file, 'quoteVerifier');
    for (const hub of hubs) {
        const { address } = await Payout.createFromConfig({ registry, ...hub });
        if (!address.equals(hub.address)) throw mismatch(file, `hub ${hub.address}`);
    }
    return deployment;
}

function mismatch(file: string, what: string): ChainError {
    return new ChainError(
        'deployment_invalid',
        `${file}: the ${what} is not the contract that kind, root key and terms give; get the file again from where you trust it`,
    );
}

/** These roots are in no address: a file that names others in production would have evidence believed that anyone can mint. */
function refuseOwnRoots(file: string, { gpuRootPublicKey, snpRootKeyHash }: Deployment): void {
    if (gpuRootPublicKey === undefined && snpRootKeyHash === undefined) return;
    const message = `${file}: a production network has the roots of NVIDIA and AMD, and no others`;
    throw new ChainError('deployment_invalid', message);
}
