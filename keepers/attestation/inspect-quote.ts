import { AttestationError } from './errors';
import { parseCertificate, type Certificate } from './parse/certificate';
import { parsePemChain } from './parse/pem';
import { bodyTypeOf, parseQuote, readHeader, type Quote } from './parse/quote';
import { teeType } from './parse/quote-layout';
import { parseSgxExtension } from './parse/sgx-extension';
import { bodyFacts, platformIdOf, type BodyFacts } from './verify/verdict';

/** What a quote says of itself. Nothing here is verified: for people who look, never for decisions. */
export interface QuoteInspection extends BodyFacts {
    verified: false;
    version: number;
    tee: 'tdx' | 'sgx';
    bodyType: number;
    /** Length without padding. */
    length: number;
    paddingLength: number;
    teeTcbSvn: string | null;
    teeTcbSvn2: string | null;
    xfam: string | null;
    mrServiceTd: string | null;
    platform: { platformId: string; fmspc: string; pceId: string; pceSvn: number; components: number[] };
    certificates: { subject: string; notBefore: string; notAfter: string }[];
}

export function inspectQuote(bytes: Buffer): QuoteInspection {
    try {
        const header = readHeader(bytes);
        const quote = parseQuote(bytes, header, bodyTypeOf(bytes, header)!);
        const chain = parsePemChain(quote.pckChain.toString('latin1'), 3).map(parseCertificate);
        const platform = parseSgxExtension(chain[0]!.sgxExtension!);
        return {
            verified: false,
            version: header.version,
            tee: header.teeType === teeType.tdx ? 'tdx' : 'sgx',
            bodyType: quote.bodyType,
            length: quote.end,
            paddingLength: bytes.length - quote.end,
            ...bodyFacts(quote.body),
            ...tdFacts(quote),
            platform: {
                platformId: platformIdOf(platform.ppid),
                fmspc: platform.fmspc.toString('hex'),
                pceId: platform.pceId.toString('hex'),
                pceSvn: platform.pceSvn,
                components: platform.components,
            },
            certificates: chain.map(certificateFacts),
        };
    } catch (error) {
        throw new AttestationError('evidence_unusable', `not a quote: ${(error as Error).message}`, error);
    }
}

function tdFacts({ body }: Quote): Pick<QuoteInspection, 'teeTcbSvn' | 'teeTcbSvn2' | 'xfam' | 'mrServiceTd'> {
    const td = body.kind === 'td' ? body : null;
    return {
        teeTcbSvn: td?.teeTcbSvn.toString('hex') ?? null,
        teeTcbSvn2: td?.teeTcbSvn2?.toString('hex') ?? null,
        xfam: td?.xfam.toString('hex') ?? null,
        mrServiceTd: td?.mrServiceTd?.toString('hex') ?? null,
    };
}

function certificateFacts({ subjectName, notBefore, notAfter }: Certificate): QuoteInspection['certificates'][number] {
    return {
        subject: subjectName,
        notBefore: new Date(notBefore).toISOString(),
        notAfter: new Date(notAfter).toISOString(),
    };
}
