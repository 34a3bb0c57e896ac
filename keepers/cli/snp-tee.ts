import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { endorsementNeeds, KdsClient, KdsService, verifySnpReport } from '../attestation';
import type { NodeConfig } from '../config';
import { commandReportSource, configfsTsmQuoteSource, NodeError, type NodeTee, type SnpEndorser } from '../node';

type SnpTeeConfig = Extract<NodeConfig['tee'], { kind: 'snp' }>;

/** A real SEV-SNP guest: learns its own image from a first report, judged as everyone else will judge it. */
export async function snpTee(tee: SnpTeeConfig): Promise<NodeTee> {
    const quotes =
        tee.command === undefined
            ? configfsTsmQuoteSource(tee.reportPath, 'sev_guest')
            : commandReportSource(tee.command, tee.timeoutMs);
    const snp = endorserOf(tee);
    const report = await quotes.quote(randomBytes(64));
    const verdict = verifySnpReport(report, await snp.certificatesOf(report), { at: new Date() });
    if (verdict.verdict === 'rejected') {
        const message = `the report of this guest is not fit: ${verdict.detail} (${verdict.failedCheck})`;
        throw new NodeError('quote_unavailable', message);
    }
    return { quotes, imageId: Buffer.from(verdict.imageId!, 'hex'), snp };
}

/** From files where they are named: a provider's key (VLEK) has its certificate from the provider. Else from AMD. */
function endorserOf({ vekFile, chainFile, kdsUrl, cacheFolder, product }: SnpTeeConfig): SnpEndorser {
    const service = new KdsService({ client: new KdsClient({ baseUrl: kdsUrl }), cacheFolder });
    return {
        certificatesOf: async (report) => {
            if (vekFile !== undefined && chainFile !== undefined)
                return { vek: readFileSync(vekFile), chain: readFileSync(chainFile, 'latin1') };
            const { vek, chain } = await service.certificatesFor(endorsementNeeds(report, product));
            return { vek: Buffer.from(vek), chain };
        },
    };
}
