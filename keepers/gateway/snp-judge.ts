import {
    AttestationError,
    authorityNeeds,
    type AuthorityNeeds,
    type SnpCertificates,
    snpImageIdOf,
    type SnpPolicy,
    type SnpPolicyInput,
    type SnpVerdict,
    verifySnpReport,
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

/**
 * Judges a report by the certificates that came with it and a list that did not.
 * @throws AttestationError when the list can't be had
 */
export async function judgeSnp(
    evidence: { report: Buffer; certificates: SnpCertificates },
    rules: SnpRules,
    { policy, rootKeyHash, crlFor }: SnpAcceptance,
    nowMs: () => number,
): Promise<JudgedSnp> {
    const { report, certificates } = evidence;
    const crl = await crlOf();
    const verdict = verifySnpReport(
        report,
        { ...certificates, crl },
        {
            // After the fetch: a list issued this very second must not look as if it came from the future.
            at: new Date(nowMs()),
            rootKeyHash,
            policy: narrowed(policy, rules),
        },
    );
    return { verdict, collateral: { crl: crl?.toString('base64') ?? null } };

    /** None for what is refused before a list is looked at. */
    async function crlOf(): Promise<Buffer | null> {
        try {
            return await crlFor(authorityNeeds(report, certificates, { at: new Date(nowMs()), rootKeyHash }));
        } catch (error) {
            if (error instanceof AttestationError && error.code === 'evidence_unusable') return null;
            throw error;
        }
    }
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
