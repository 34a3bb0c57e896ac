import { randomBytes } from 'node:crypto';
import { endorsementNeeds, KdsClient, KdsService, verifySnpReport } from '../attestation';
import type { NodeConfig } from '../config';
import { commandReportSource, configfsTsmQuoteSource, NodeError, type NodeTee, type SnpEndorser } from '../node';
import { readCertificate, readInput } from './certificate-file';

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
    const vekGiven = vekFile === undefined ? undefined : readCertificate(vekFile);
    const chainGiven = chainFile === undefined ? undefined : readInput(chainFile).toString('latin1');
    return {
        certificatesOf: async (report) => {
            if (vekGiven !== undefined && chainGiven !== undefined) return { vek: vekGiven, chain: chainGiven };
            const needs = endorsementNeeds(report, product);
            const fetched =
                vekGiven === undefined
                    ? await service.certificatesFor(needs)
                    : { vek: vekGiven, ...(await service.authoritiesFor(needs)) };
            return { vek: Buffer.from(fetched.vek), chain: chainGiven ?? fetched.chain };
        },
    };
}
