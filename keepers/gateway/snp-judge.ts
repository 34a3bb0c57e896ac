import {
    type AuthorityNeeds,
    judgeServedReport,
    type ServedReport,
    snpImageIdOf,
    type SnpPolicy,
    type SnpPolicyInput,
    type SnpVerdict,
} from '../attestation';

/** What a gateway's operator says of SEV-SNP nodes. No contract has verified their reports: this gateway is who does. */
export interface SnpAcceptance {
    policy: SnpPolicy;
    /** SHA-256 of the public key of a development network's root; AMD's roots unless given. */
    rootKeyHash: Buffer | undefined;
    /** The root's revocation list, from the key distribution service or one like it, never from the node. */
    crlFor: (needs: AuthorityNeeds) => Promise<Buffer>;
}

/** What the registry and the key bundle ask of a report, whatever the operator's policy says. */
export interface SnpRules {
    /** Allowed for SEV-SNP, in hex. */
    imageIds: ReadonlySet<string>;
    deniedPlatforms: ReadonlySet<string>;
    /** In hex. */
    reportData: string;
}

export interface JudgedSnp {
    verdict: SnpVerdict;
    /** What was fetched to judge by, base64. */
    collateral: { crl: string | null };
}

/** @throws AttestationError when the revocation list can't be had */
export async function judgeSnp(
    evidence: ServedReport,
    rules: SnpRules,
    { policy, rootKeyHash, crlFor }: SnpAcceptance,
    nowMs: () => number,
): Promise<JudgedSnp> {
    const judgeBy = { policy: narrowed(policy, rules), rootKeyHash, crlFor, now: () => new Date(nowMs()) };
    const { verdict, crl } = await judgeServedReport(evidence, judgeBy);
    return { verdict, collateral: { crl: crl?.toString('base64') ?? null } };
}

/** Registry and operator must both agree: to an image, to a platform. */
function narrowed(policy: SnpPolicy, { imageIds, deniedPlatforms, reportData }: SnpRules): SnpPolicyInput {
    const own = policy.images?.map((image) =>
        'imageId' in image ? image.imageId : snpImageIdOf(image).toString('hex'),
    );
    const images = [...imageIds].filter((imageId) => own?.includes(imageId) ?? true);
    return {
        ...policy,
        images: images.map((imageId) => ({ imageId })),
        deniedPlatforms: [...policy.deniedPlatforms, ...deniedPlatforms],
        reportData,
        revocation: 'required',
        platform: 'required',
    };
}
