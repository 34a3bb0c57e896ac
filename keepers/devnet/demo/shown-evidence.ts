import { request } from 'undici';
import { z } from 'zod';
import { DevnetError } from '../errors';

/** What a gateway relied on for one node, as anyone can ask it. */
export interface ShownEvidence {
    node: string;
    tee: 'TDX' | 'SEV-SNP';
    trusted: boolean;
    /** The GPUs that its key bundle names, as their evidence describes them. */
    gpus: { chip: string; driverVersion: string }[];
    /** By whom revocation and measurements of the GPUs were judged; null without GPUs. */
    gpusJudgedBy: string | null;
}

const evidenceSchema = z.object({
    trusted: z.boolean(),
    snp: z.unknown().optional(),
    gpu: z
        .object({
            gpus: z.array(z.object({ chip: z.string(), driverVersion: z.string() })),
            checks: z.object({ measurements: z.string() }),
        })
        .nullable(),
});

/** Asks the gateway's `/cocoon/attestation/{node}` for every node. */
export async function shownEvidence(gatewayUrl: string, nodeKeys: readonly string[]): Promise<ShownEvidence[]> {
    return Promise.all(
        nodeKeys.map(async (node) => {
            const { statusCode, body } = await request(`${gatewayUrl}/cocoon/attestation/${node}`);
            const shown = evidenceSchema.safeParse(await body.json());
            if (statusCode !== 200 || !shown.success) {
                throw new DevnetError('demo_failed', `the gateway shows no evidence of node ${node}`);
            }
            const { trusted, snp, gpu } = shown.data;
            return {
                node,
                tee: snp === undefined ? 'TDX' : 'SEV-SNP',
                trusted,
                gpus: gpu?.gpus ?? [],
                gpusJudgedBy: gpu?.checks.measurements ?? null,
            };
        }),
    );
}

/** One line for a person. */
export function evidenceLine({ node, tee, gpus, gpusJudgedBy }: ShownEvidence): string {
    const devices = gpus.map(({ chip, driverVersion }) => `${chip} with driver ${driverVersion}`).join(', ');
    const judged = gpusJudgedBy === 'nras' ? ', vouched for by the attestation service' : '';
    return `node ${node.slice(0, 8)}: ${tee} guest; ${devices === '' ? 'no GPU' : `${devices}${judged}`}`;
}
