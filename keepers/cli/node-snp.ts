import { z } from 'zod';
import { AttestationError, judgeServedReport, type KdsService, type SnpPolicy, type SnpVerdict } from '../attestation';
import { type KeyBundle, reportDataFor } from '../../wrappers';

/** Certificates beside a SEV-SNP report, as a directory serves them. */
export const servedSnp = z.object({ vek: z.base64().max(65_536), chain: z.string().max(32_768) });

/** As a gateway serves what it judged a report by. */
const servedCollateral = z.object({ crl: z.base64().max(524_288) });

export interface JudgeNodeSnpOptions {
    /** AMD's roots unless a development network's deployment pins another. */
    rootKeyHash?: Buffer;
    policy?: SnpPolicy;
    /** Absent: by the revocation list that is served along. */
    service?: KdsService;
}

/** @throws AttestationError when there is no revocation list to be had */
export async function judgeNodeSnp(
    row: { quote: string; snp: z.output<typeof servedSnp>; collateral?: unknown },
    bundle: KeyBundle,
    { rootKeyHash, policy, service }: JudgeNodeSnpOptions,
): Promise<SnpVerdict> {
    const evidence = {
        report: Buffer.from(row.quote, 'base64'),
        certificates: { vek: Buffer.from(row.snp.vek, 'base64'), chain: row.snp.chain },
    };
    const { verdict } = await judgeServedReport(evidence, {
        rootKeyHash,
        policy: { reportData: reportDataFor(bundle).toString('hex'), ...policy, revocation: 'required' },
        claims: { modelRoot: bundle.modelRoot },
        now: () => new Date(),
        crlFor: async (needs) => (service === undefined ? servedList(row.collateral) : service.crlFor(needs)),
    });
    return verdict;
}

function servedList(collateral: unknown): Buffer {
    const { success, data } = servedCollateral.safeParse(collateral);
    if (success) return Buffer.from(data.crl, 'base64');
    throw new AttestationError('collateral_unavailable', 'no revocation list is served along: fetch it instead');
}
