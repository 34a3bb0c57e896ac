import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
    amdKdsUrl,
    AttestationError,
    endorsementNeeds,
    KdsClient,
    KdsService,
    productLines,
    type ProductLine,
    readQuoteFile,
    readSnpPolicyFile,
    type SnpCertificates,
    type SnpVerdict,
    verifySnpReport,
    type VerifySnpOptions,
} from '../attestation';
import { CocoonError, errorMessage } from '../base';
import { readCertificate, readInput } from './certificate-file';
import { lines } from './verdict-text';
import { type CommandResult, dateOf } from './verify-quote-command';

export interface VerifySnpCommandOptions {
    vcek?: string;
    chain?: string;
    crl?: string;
    kds?: string;
    cache?: string;
    product?: string;
    at?: string;
    policy?: string;
    root?: string;
    json?: boolean;
}

/** `cocoon verify snp`: by the certificates in files where they are named, else by what the key distribution service has. */
export async function runVerifySnp(file: string, options: VerifySnpCommandOptions): Promise<CommandResult> {
    const report = readQuoteFile(file);
    const rootKeyHash = options.root === undefined ? undefined : readRootKeyHash(options.root);
    const policy = options.policy === undefined ? undefined : readSnpPolicyFile(options.policy);
    const given = { at: dateOf(options.at), rootKeyHash, policy };
    const verdict = await judge(report, options, given);
    return {
        output: options.json ? JSON.stringify(verdict) : `${snpVerdictText(verdict)}\n${rootText(rootKeyHash)}`,
        exitCode: verdict.verdict === 'accepted' ? 0 : 1,
    };
}

type JudgeBy = Omit<VerifySnpOptions, 'at'> & { at?: Date };

async function judge(report: Buffer, options: VerifySnpCommandOptions, by: JudgeBy): Promise<SnpVerdict> {
    const files = filesOf(options);
    try {
        const certificates = await certificatesFor(report, options, files);
        // Read after the fetch, or a list of this very second is of the future.
        return verifySnpReport(report, certificates, { ...by, at: by.at ?? new Date() });
    } catch (error) {
        if (!(error instanceof AttestationError) || error.code !== 'evidence_unusable') throw error;
        // What is no report is refused whatever certificates say: that is a verdict, not a failure.
        const verdict = verifySnpReport(
            report,
            { vek: Buffer.alloc(0), chain: '' },
            { ...by, at: by.at ?? new Date() },
        );
        if (verdict.failedCheck?.startsWith('report_')) return verdict;
        throw error;
    }
}

type Files = { [Part in keyof SnpCertificates]?: SnpCertificates[Part] | undefined };

function filesOf({ vcek, chain, crl }: VerifySnpCommandOptions): Files {
    return {
        vek: vcek === undefined ? undefined : readCertificate(vcek),
        chain: chain === undefined ? undefined : readInput(chain).toString('latin1'),
        crl: crl === undefined ? undefined : readInput(crl),
    };
}

/** What is given stays; the service is asked for the rest, and for nothing where both certificates are given without it. */
async function certificatesFor(
    report: Buffer,
    options: VerifySnpCommandOptions,
    { vek, chain, crl }: Files,
): Promise<SnpCertificates> {
    if (vek !== undefined && chain !== undefined && options.kds === undefined) return { vek, chain, crl };
    const client = new KdsClient({ baseUrl: options.kds ?? amdKdsUrl });
    const service = new KdsService({ client, cacheFolder: options.cache });
    const needs = endorsementNeeds(report, productLineOf(options.product));
    const fetched =
        vek === undefined ? await service.certificatesFor(needs) : { vek, ...(await service.authoritiesFor(needs)) };
    return { vek: fetched.vek, chain: chain ?? fetched.chain, crl: crl ?? fetched.crl };
}

function productLineOf(name: string | undefined): ProductLine | undefined {
    const line = productLines.find((known) => known.toLowerCase() === name?.toLowerCase());
    if (name === undefined || line !== undefined) return line;
    throw invalid(`--product must be one of ${productLines.join(', ')}`);
}

/** The root of a development network: SHA-256 of its public key in hex, or a file with the root's certificate or key in PEM. */
function readRootKeyHash(given: string): Buffer {
    if (/^[0-9a-fA-F]{64}$/.test(given)) return Buffer.from(given, 'hex');
    try {
        const spki = createPublicKey(readFileSync(given)).export({ format: 'der', type: 'spki' });
        return createHash('sha256').update(spki).digest();
    } catch (error) {
        throw invalid(
            `--root ${given} is neither 32 bytes of hex nor a certificate or key in PEM: ${errorMessage(error)}`,
        );
    }
}

function invalid(message: string): CocoonError {
    return new CocoonError('argument_invalid', message, { action: 'fix' });
}

function rootText(rootKeyHash: Buffer | undefined): string {
    const isAmd = rootKeyHash === undefined;
    return lines([['root', isAmd ? 'AMD' : 'NOT AMD: a development network, whose evidence anyone may have made']]);
}

/** A verdict for people; JSON is for machines. */
export function snpVerdictText(verdict: Omit<SnpVerdict, 'failedCheck'> & { failedCheck: string | null }): string {
    const { checks, measurements, tcb } = verdict;
    const named = (result: string) =>
        Object.entries(checks)
            .filter(([, found]) => found === result)
            .map(([stage]) => stage)
            .join(', ') || null;
    const tcbLines = Object.entries(tcb ?? {}).map(([which, levels]): [string, string] => [
        `${which} TCB`,
        Object.entries(levels)
            .map(([part, level]) => `${part} ${level}`)
            .join(', '),
    ]);
    return lines([
        ['verdict', verdict.verdict],
        ['failed check', verdict.failedCheck],
        ['what to do', verdict.failedCheck === null ? null : verdict.detail],
        ['unchecked', named('unchecked')],
        ['product', verdict.product],
        ['signed by', verdict.signingKey?.toUpperCase() ?? null],
        ['provider', verdict.cspId],
        ...tcbLines,
        ['guest policy', verdict.guestPolicy],
        ['VMPL', verdict.vmpl],
        ['platform', verdict.platformId],
        ['report data', verdict.reportData],
        ['image', verdict.imageId],
        ...Object.entries(measurements ?? {}),
        ['evaluated at', verdict.evaluatedAt],
        ['valid until', verdict.validUntil],
    ]);
}
