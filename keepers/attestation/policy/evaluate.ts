import { isDebugEnclave, type EnclaveBody, type TdBody } from '../parse/bodies';
import { imageIdOf, type ImageMeasurements } from '../image-id';
import { check } from '../verify/check-codes';
import type { TcbEvaluation } from '../verify/tcb-status';
import type { EvidenceClaims, Policy } from './policy';

/** What the signatures have proved, ready to be judged. */
export interface PolicySubject {
    body: TdBody | EnclaveBody;
    platformId: string;
    /** Null where only signatures are checked. */
    evaluation: TcbEvaluation | null;
    atMs: number;
}

type BoundSubject = { body: Pick<TdBody, 'reportData'>; atMs: number };
type BindingPolicy = Pick<Policy, 'reportData' | 'models' | 'maxBlockAgeSeconds'>;

/** Step 16. Rules on the software first, then the platform's state, then what binds the evidence to its bearer. */
export function applyPolicy(subject: PolicySubject, policy: Policy, claims: EvidenceClaims): void {
    const { body } = subject;
    const tee = body.kind === 'td' ? 'tdx' : 'sgx';
    check(policy.teeTypes.includes(tee), 'policy_tee_type', `quotes of ${tee.toUpperCase()} are not accepted`);
    if (body.kind === 'td') {
        checkTdAttributes(body, policy);
    } else {
        const debugged = isDebugEnclave(body);
        check(
            policy.debug === 'allow' || !debugged,
            'policy_debug',
            'the enclave runs in debug mode: its host can read it',
        );
    }
    if (subject.evaluation !== null) {
        checkStatus(subject.evaluation, policy);
    }
    checkImage(body, policy);
    checkBinding(subject, policy, claims);
    const denied = policy.deniedPlatforms.includes(subject.platformId);
    check(!denied, 'policy_platform_denied', 'this platform is on the deny list');
}

const septVeDisableBit = 0x10;

function checkTdAttributes(body: TdBody, policy: Policy): void {
    // The first byte is the TUD group ("TD under debug"): any bit of it lets the host look in.
    const debugged = body.tdAttributes[0] !== 0;
    check(policy.debug === 'allow' || !debugged, 'policy_debug', 'the TD runs in debug mode: its host can read it');
    const septVeDisabled = (body.tdAttributes[3]! & septVeDisableBit) !== 0;
    check(
        policy.septVeDisable === 'any' || septVeDisabled,
        'policy_sept_ve_disable',
        'SEPT_VE_DISABLE is off: launch the TD with it',
    );
    checkXfam(body, policy);
    const mrServiceTd = (body.mrServiceTd ?? Buffer.alloc(48)).toString('hex');
    check(
        policy.mrServiceTd?.includes(mrServiceTd) ?? true,
        'policy_mr_service_td',
        'the service TD bound to this TD is not an accepted one',
    );
}

function checkXfam(body: TdBody, { xfam }: Policy): void {
    if (xfam === undefined) {
        return;
    }
    const required = Buffer.from(xfam.required, 'hex');
    const allowed = Buffer.from(xfam.allowed, 'hex');
    const fits = body.xfam.every((byte, i) => (byte & required[i]!) === required[i] && (byte & ~allowed[i]!) === 0);
    check(fits, 'policy_xfam', 'the extended features (xfam) of the TD are not the accepted ones');
}

function checkStatus(evaluation: TcbEvaluation, policy: Policy): void {
    check(
        policy.statuses.includes(evaluation.status),
        'policy_status',
        `the platform is ${evaluation.status}, which is not accepted: update it`,
    );
    const { refusedAdvisories, acceptedAdvisories } = policy;
    const refused = evaluation.advisoryIds.find(
        (id) =>
            refusedAdvisories.includes(id) || (acceptedAdvisories !== undefined && !acceptedAdvisories.includes(id)),
    );
    check(refused === undefined, 'policy_advisory', `advisory ${refused} applies to the platform and is not accepted`);
}

function checkImage(body: TdBody | EnclaveBody, { images }: Policy): void {
    if (images === undefined) {
        return;
    }
    const imageId = body.kind === 'td' ? imageIdOf(imageOf(body)).toString('hex') : null;
    const allowed = images.some(
        (image) => ('imageId' in image ? image.imageId : imageIdOf(image).toString('hex')) === imageId,
    );
    check(allowed, 'policy_image', 'the measurements are of no allowed image');
}

/** The registers that make up an image, in hex. */
export function imageOf(body: TdBody): ImageMeasurements {
    const [rtmr0, rtmr1, rtmr2, rtmr3] = body.rtmrs.map((register) => register.toString('hex'));
    return { mrtd: body.mrTd.toString('hex'), rtmr0: rtmr0!, rtmr1: rtmr1!, rtmr2: rtmr2!, rtmr3: rtmr3! };
}

/** Report data and what the caller knows of the key bundle; quotes and reports of any TEE carry these alike. */
export function checkBinding(subject: BoundSubject, policy: BindingPolicy, claims: EvidenceClaims): void {
    const { reportData } = subject.body;
    const expected = policy.reportData ?? claims.bundleHash?.toString('hex');
    const bound =
        reportData.toString('hex').startsWith(expected ?? '') &&
        (claims.bundleHash === undefined || reportData.subarray(0, 32).equals(claims.bundleHash));
    check(bound, 'policy_report_data', 'the quote was made for another key bundle: its report data differs');
    const model = claims.modelRoot?.toString('hex');
    const modelAllowed = policy.models === undefined || (model !== undefined && policy.models.includes(model));
    check(modelAllowed, 'policy_model', 'the key bundle names no allowed model');
    checkFreshness(subject, policy, claims);
}

function checkFreshness(subject: BoundSubject, policy: BindingPolicy, { block }: EvidenceClaims): void {
    if (block !== undefined || policy.maxBlockAgeSeconds !== undefined) {
        const named = subject.body.reportData.subarray(32);
        check(
            block !== undefined && named.equals(block.rootHash),
            'policy_block',
            'the quote names no masterchain block that is known here',
        );
    }
    if (policy.maxBlockAgeSeconds !== undefined) {
        const ageMs = subject.atMs - block!.time.getTime();
        check(
            ageMs <= policy.maxBlockAgeSeconds * 1000,
            'policy_age',
            'the quote is too old: the node has to take a new one',
        );
    }
}
