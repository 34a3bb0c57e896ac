import type { Address } from '@ton/core';
import type { Deployment, HubDeployment } from './deployments';
import { ChainError } from './errors';

/** @throws when the deployment file does not know the hub */
export function hubOf(deployment: Deployment, hub: Address): HubDeployment {
    const known = deployment.hubs.find(({ address }) => address.equals(hub));
    if (known !== undefined) return known;
    throw new ChainError('deployment_invalid', `the deployment file lists no hub ${hub}: deploy-hub adds it`);
}
