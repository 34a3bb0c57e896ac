import { mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DstackAgent } from './dstack-agent';
import { NodeError } from './errors';

/** Where a node's TDX quote, or its SEV-SNP report, comes from. The same verifiers judge the quote whatever the source. */
export interface QuoteSource {
    /** @param reportData 64 bytes that the quote binds */
    quote(reportData: Buffer): Promise<Buffer>;
}

/**
 * Linux configfs-tsm (kernel 6.7 or later): a directory is one request; writing `inblob` and reading `outblob` asks the
 * TDX module and the host's quoting service, or the processor of a SEV-SNP guest. https://docs.kernel.org/ABI/testing/configfs-tsm
 */
export function configfsTsmQuoteSource(
    reportPath: string,
    expected: 'tdx_guest' | 'sev_guest' = 'tdx_guest',
): QuoteSource {
    return {
        quote: async (reportData) => {
            let entry: string | undefined;
            try {
                entry = mkdtempSync(path.join(reportPath, 'cocoon-'));
                writeFileSync(path.join(entry, 'inblob'), reportData);
                const provider = readFileSync(path.join(entry, 'provider'), 'utf8').trim();
                if (provider !== expected) throw new Error(`the TEE here is ${provider}, not ${expected}`);
                return readFileSync(path.join(entry, 'outblob'));
            } catch (error) {
                const message = `no evidence from ${reportPath}: run inside a ${expected} with kernel 6.7 or later and configfs mounted`;
                throw new NodeError('quote_unavailable', message, { action: 'retry', cause: error });
            } finally {
                if (entry !== undefined) removeEntry(entry);
            }
        },
    };
}

/** The guest agent of a dstack CVM takes the quote. */
export function dstackQuoteSource(socketPath: string): QuoteSource {
    const agent = new DstackAgent({ socketPath });
    return { quote: (reportData) => agent.getQuote(reportData) };
}

function removeEntry(entry: string): void {
    try {
        rmdirSync(entry);
    } catch {
        // The kernel reclaims the entry at reboot; a quote in hand is worth more than tidiness.
    }
}
