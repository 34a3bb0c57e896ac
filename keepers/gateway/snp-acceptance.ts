import { defaultSnpPolicy, KdsClient, KdsService, readSnpPolicyFile } from '../attestation';
import { CocoonError, systemClock } from '../base';
import type { Deployment } from '../chain';
import type { GatewayConfig } from '../config';
import type { SnpAcceptance } from './snp-judge';

/** What the configuration says of SEV-SNP nodes; undefined where it says nothing, and they are refused. */
export function snpAcceptanceOf({ snp }: GatewayConfig, { kind }: Deployment): SnpAcceptance | undefined {
    if (snp === undefined) return undefined;
    if (snp.rootKeyHash !== undefined && kind !== 'development') {
        const message = 'snp.rootKeyHash: only a development network has a root of its own; leave it out';
        throw new CocoonError('config_invalid', message, { action: 'fix' });
    }
    const service = new KdsService({
        client: new KdsClient({ baseUrl: snp.kdsUrl }),
        cacheFolder: snp.cacheFolder,
        clock: systemClock,
    });
    return {
        policy: snp.policyFile === undefined ? defaultSnpPolicy : readSnpPolicyFile(snp.policyFile),
        rootKeyHash: snp.rootKeyHash,
        crlFor: (needs) => service.crlFor(needs),
    };
}
