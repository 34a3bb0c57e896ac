import { defaultSnpPolicy, KdsClient, KdsService, readSnpPolicyFile } from '../attestation';
import { systemClock } from '../base';
import type { Deployment } from '../chain';
import type { GatewayConfig } from '../config';
import type { SnpAcceptance } from './snp-judge';

/** What the configuration says of SEV-SNP nodes; undefined where it says nothing, and they are refused. */
export function snpAcceptanceOf(
    { snp }: Pick<GatewayConfig, 'snp'>,
    { snpRootKeyHash }: Pick<Deployment, 'snpRootKeyHash'>,
): SnpAcceptance | undefined {
    if (snp === undefined) return undefined;
    const service = new KdsService({
        client: new KdsClient({ baseUrl: snp.kdsUrl }),
        cacheFolder: snp.cacheFolder,
        clock: systemClock,
    });
    return {
        policy: snp.policyFile === undefined ? defaultSnpPolicy : readSnpPolicyFile(snp.policyFile),
        rootKeyHash: snpRootKeyHash,
        crlFor: (needs) => service.crlFor(needs),
    };
}
