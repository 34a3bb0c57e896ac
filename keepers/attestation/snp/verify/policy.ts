import { checkBinding } from '../../policy/evaluate';
import type { EvidenceClaims } from '../../policy/policy';
import { snpImageIdOf } from '../image-id';
import { readGuestPolicy } from '../parse/guest-policy';
import type { SigningKeyKind, SnpReport } from '../parse/report';
import type { SnpPolicy } from '../policy';
import type { Product } from '../product';
import { partBelow, readTcb } from '../tcb';
import { checkSnp } from './check-codes';

/** What the signatures have proved, ready to be judged. */
export interface SnpSubject {
    report: SnpReport;
    signingKey: SigningKeyKind;
    product: Product;
    /** Null where nothing names the chip. */
    platformId: string | null;
    atMs: number;
}

/** Rules on product and key, then on how the guest was launched, then on what runs in it. */
export function applySnpPolicy(subject: SnpSubject, policy: SnpPolicy): void {
    const { product, signingKey, report } = subject;
    const hasProduct = policy.products.includes(product.line);
    checkSnp(hasProduct, 'policy_product', `processors of the ${product.line} line are not accepted`);
    const hasKey = policy.signingKeys.includes(signingKey);
    checkSnp(hasKey, 'policy_signing_key', `reports signed by a ${signingKey.toUpperCase()} are not accepted`);
    checkGuest(report, policy);
    checkFloor(report, product, policy);
    checkImage(report, policy);
}

function checkGuest({ policy: bits, vmpl }: SnpReport, policy: SnpPolicy): void {
    const guest = readGuestPolicy(bits);
    const debugged = guest.debugAllowed && policy.debug === 'refuse';
    checkSnp(!debugged, 'policy_debug', 'the guest was launched with debugging allowed: its host can read it');
    const migrates = guest.migrationAgentAllowed && policy.migrationAgent === 'refuse';
    checkSnp(!migrates, 'policy_migration_agent', 'the guest may be moved by a migration agent');
    const sharesCores = guest.smtAllowed && policy.smt === 'refuse';
    checkSnp(!sharesCores, 'policy_smt', 'the guest may share cores with others: launch it with SMT disallowed');
    const roams = !guest.singleSocket && policy.singleSocket === 'required';
    checkSnp(!roams, 'policy_single_socket', 'the guest may run on several sockets: launch it with one only');
    checkSnp(
        policy.vmpl.includes(vmpl),
        'policy_vmpl',
        `reports asked for at privilege level ${vmpl} are not accepted`,
    );
}

/** The reported version says which firmware's key signed; the one at launch, what the guest's memory was set up by. */
function checkFloor(report: SnpReport, { line }: Product, { minTcb }: SnpPolicy): void {
    const floor = minTcb[line] ?? {};
    const reported = partBelow(readTcb(report.reportedTcb, line), floor);
    checkSnp(reported === undefined, 'policy_tcb', `firmware part ${reported} is below the floor: update the host`);
    const launch = partBelow(readTcb(report.launchTcb, line), floor);
    const message = `firmware part ${launch} was below the floor when the guest was launched: launch it again`;
    checkSnp(launch === undefined, 'policy_launch_tcb', message);
}

function checkImage(report: SnpReport, { images }: SnpPolicy): void {
    const imageId = imageIdOfReport(report);
    const allowed = images?.some(
        (image) => ('imageId' in image ? image.imageId : snpImageIdOf(image).toString('hex')) === imageId,
    );
    checkSnp(allowed ?? true, 'policy_image', 'the measurement and host data are of no allowed image');
}

export function imageIdOfReport({ measurement, hostData }: SnpReport): string {
    return snpImageIdOf({ measurement: measurement.toString('hex'), hostData: hostData.toString('hex') }).toString(
        'hex',
    );
}

/** What ties the evidence to its bearer, and the platform's standing. */
export function applyBinding({ report, atMs }: SnpSubject, policy: SnpPolicy, claims: EvidenceClaims): void {
    checkBinding({ body: report, atMs }, policy, claims);
}

export function checkPlatform({ platformId }: SnpSubject, { platform, deniedPlatforms }: SnpPolicy): void {
    const known = platformId !== null || platform === 'any';
    checkSnp(known, 'policy_platform_unknown', 'the host masks the chip id, and no chip-bound key names it');
    const denied = platformId !== null && deniedPlatforms.includes(platformId);
    checkSnp(!denied, 'policy_platform_denied', 'this platform is on the deny list');
}
