import {
    createPlatform,
    mintCollateral,
    type Collateral,
    type MintedEvidence,
    type PolicyInput,
} from '../../keepers/attestation';
import type { TcbStatus } from '../../keepers/attestation/parse/signed-json';
import { developmentPki, now, pki, tdx } from '../keepers/attestation/development-evidence';
import { type Random } from '../keepers/attestation/fuzzing';

/** Evidence for both verifiers, and what was done to it. */
export interface VerdictCase {
    what: string;
    evidence: Pick<MintedEvidence, 'quote' | 'collateral'>;
}

/** The contract has no say on statuses: the registry's policy has. */
export const everyStatus: PolicyInput = {
    statuses: [
        'UpToDate',
        'SWHardeningNeeded',
        'ConfigurationNeeded',
        'ConfigurationAndSWHardeningNeeded',
        'OutOfDate',
        'OutOfDateConfigurationNeeded',
        'TDRelaunchAdvised',
        'TDRelaunchAdvisedConfigurationNeeded',
    ],
};

const statuses: TcbStatus[] = [
    'UpToDate',
    'SWHardeningNeeded',
    'ConfigurationNeeded',
    'ConfigurationAndSWHardeningNeeded',
    'OutOfDate',
    'OutOfDateConfigurationNeeded',
    'Revoked',
];

const good = { 4: tdx({ version: 4 }), 5: tdx({ version: 5 }) } as const;
const strangers = createPlatform(developmentPki(), { name: 'elsewhere' });

/** One quote with its collateral: changed in a byte, or minted with a state, an SVN, a date or a list of its own. */
export function verdictCase(random: Random): VerdictCase {
    const kinds = [changedQuote, changedQuote, changedCollateral, mintedStatus, mintedSvns, mintedLists, mintedDates];
    return kinds[random(kinds.length)]!(random);
}

function pick<T>(random: Random, items: readonly T[]): T {
    return items[random(items.length)]!;
}

/** Anywhere up to the root certificate, which the contract is not sent: it holds the root's key. */
function changedQuote(random: Random): VerdictCase {
    const { quote, collateral } = good[pick(random, [4, 5] as const)];
    const end = quote.lastIndexOf('-----BEGIN CERTIFICATE-----');
    const changed = Buffer.from(quote);
    const at = random(end);
    changed[at]! ^= 1 << random(8);
    return { what: `byte ${at} of the quote`, evidence: { quote: changed, collateral } };
}

const signedParts = [
    'root_ca_crl',
    'pck_crl',
    'tcb_info',
    'tcb_info_signature',
    'qe_identity',
    'qe_identity_signature',
] as const;

function changedCollateral(random: Random): VerdictCase {
    const { quote, collateral } = good[4];
    const part = pick(random, signedParts);
    const text = collateral[part];
    const at = random(text.length);
    const isHex = part !== 'tcb_info' && part !== 'qe_identity';
    const replacement = isHex
        ? ((parseInt(text[at]!, 16) ^ (1 << random(4))) & 15).toString(16)
        : changedCharacter(text[at]!, random);
    const changed: Collateral = { ...collateral, [part]: text.slice(0, at) + replacement + text.slice(at + 1) };
    return { what: `character ${at} of ${part}`, evidence: { quote, collateral: changed } };
}

function changedCharacter(character: string, random: Random): string {
    const other = String.fromCharCode(0x20 + random(0x5f));
    return other === character ? '~' : other;
}

function mintedStatus(random: Random): VerdictCase {
    const collateral = {
        platformStatus: pick(random, statuses),
        moduleStatus: pick(random, statuses),
        qeStatus: pick(random, statuses),
        advisoryIds: Array.from({ length: random(20) }, (_, i) => `INTEL-SA-${String(i).padStart(5, '0')}`),
    };
    const version = pick(random, [4, 5] as const);
    return { what: `version ${version}, ${JSON.stringify(collateral)}`, evidence: tdx({ version, collateral }) };
}

/** Around the levels' own SVNs, so that both sides of each are met. */
function mintedSvns(random: Random): VerdictCase {
    const near = (value: number) => Math.max(0, value + random(4) - 2);
    const svns = () =>
        Buffer.from([near(5), pick(random, [0, 1, 1, 3, 9]), near(3), ...Array.from({ length: 13 }, () => random(2))]);
    const facts = {
        components: [3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0].map((svn) =>
            random(6) === 0 ? near(svn) : svn + random(2),
        ),
        pceSvn: pick(random, [4, 5, 6, 12, 13, 14, 300]),
    };
    const teeTcbSvn = svns();
    const teeTcbSvn2 = svns();
    const version = pick(random, [4, 5] as const);
    const platform = createPlatform(pki, { facts, authority: pick(random, ['platform', 'processor'] as const) });
    const what = `version ${version}, SVNs ${teeTcbSvn.toString('hex')} and ${teeTcbSvn2.toString('hex')}, ${JSON.stringify(facts)}`;
    return { what, evidence: tdx({ version, platform, teeTcbSvn, teeTcbSvn2 }) };
}

/** Lists of many lengths, with or without the machine, its authority or the signer on them. */
function mintedLists(random: Random): VerdictCase {
    const platform = createPlatform(pki);
    const others = (count: number) => Array.from({ length: count }, (_, i) => serialLike(i, random));
    const pckSerials = others(random(60));
    const rootSerials = others(random(4));
    const listed = pick(random, [
        'nothing',
        'nothing',
        'the machine',
        'its authority',
        'the signer',
        'another machine',
    ]);
    if (listed === 'the machine') pckSerials.splice(random(pckSerials.length + 1), 0, platform.pck.serial);
    if (listed === 'another machine') pckSerials.push(strangers.pck.serial);
    if (listed === 'its authority') rootSerials.push(pki.platformCa.serial);
    if (listed === 'the signer') rootSerials.push(pki.tcbSigner.serial);
    const collateral = { pckCrl: { revokedSerials: pckSerials }, rootCrl: { revokedSerials: rootSerials } };
    return {
        what: `${listed} on lists of ${pckSerials.length} and ${rootSerials.length}`,
        evidence: tdx({ collateral }),
    };
}

function serialLike(index: number, random: Random): Buffer {
    return Buffer.from(
        Array.from({ length: 20 }, (_, at) => (at === 0 ? 1 + ((index + random(120)) % 127) : random(256))),
    );
}

const dayMs = 24 * 3600 * 1000;

/** Around the moment of judgement. */
function mintedDates(random: Random): VerdictCase {
    const offset = pick(random, [-40, -31, -2, -1, 0, 1]);
    const issueDate = new Date(now.getTime() + offset * dayMs + (random(3) - 1) * 1000);
    const nextUpdate = new Date(issueDate.getTime() + pick(random, [1, 30, 31, 40]) * dayMs);
    const { quote, platform } = good[4];
    const collateral = mintCollateral(pki, platform, { issueDate, nextUpdate });
    return {
        what: `in force from ${issueDate.toISOString()} to ${nextUpdate.toISOString()}`,
        evidence: { quote, collateral },
    };
}
