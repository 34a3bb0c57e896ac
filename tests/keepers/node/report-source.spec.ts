import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSnpDevelopmentPki, mintSnpReport } from '../../../keepers/attestation';
import { snpTee } from '../../../keepers/cli/snp-tee';
import { configSchemas, type NodeConfig } from '../../../keepers/config';
import { commandReportSource, configfsTsmQuoteSource } from '../../../keepers/node';

const folder = mkdtempSync(path.join(tmpdir(), 'report-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reportData = Buffer.from(Array.from({ length: 64 }, (_, i) => i));

function write(name: string, content: string | Uint8Array): string {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
}

/** A program of one line; its last argument is what the node appends. */
const program = (code: string): string[] => [process.execPath, '-e', code];

describe('a program that gives SEV-SNP reports', () => {
    it('gets the report data in hex as its last argument, and may answer in bytes or hex', async () => {
        const echo = 'const hex = process.argv.at(-1);';
        const inBytes = program(`${echo} process.stdout.write(Buffer.from(hex + "00ff", "hex"))`);
        const inHex = program(`${echo} console.log(hex + "00ff")`);
        const expected = Buffer.concat([reportData, Buffer.from('00ff', 'hex')]);
        for (const command of [inBytes, inHex]) {
            expect(await commandReportSource(command, 10_000).quote(reportData)).toEqual(expected);
        }
    });

    it.each([
        ['fails', program('process.exit(3)'), 10_000],
        ['says too much', program('process.stdout.write(Buffer.alloc(100000))'), 10_000],
        ['hangs', program('setInterval(() => {}, 1000)'), 300],
        ['is not there', [path.join(folder, 'missing')], 10_000],
    ])('%s: no report, to be tried again', async (_, command, timeoutMs) => {
        await expect(commandReportSource(command, timeoutMs).quote(reportData)).rejects.toMatchObject({
            code: 'quote_unavailable',
            action: 'retry',
        });
    });
});

describe('configfs-tsm', () => {
    it('that is not there gives no report', async () => {
        const source = configfsTsmQuoteSource(path.join(folder, 'none'), 'sev_guest');
        await expect(source.quote(reportData)).rejects.toMatchObject({ code: 'quote_unavailable' });
    });
});

describe('a SEV-SNP guest', () => {
    /** As the configuration file has it. */
    const teeOf = (settings: object): Extract<NodeConfig['tee'], { kind: 'snp' }> =>
        configSchemas.node.in.shape.tee.parse({ kind: 'snp', ...settings }) as never;

    it('whose report is not under AMD’s roots does not start: no setting names others', async () => {
        const pki = createSnpDevelopmentPki({ seed: Buffer.alloc(32, 7), now: new Date() });
        const { report, certificates } = mintSnpReport({ pki, reportData });
        const tee = teeOf({
            command: program(`process.stdout.write(Buffer.from("${report.toString('hex')}", "hex"))`),
            vekFile: write('vek.der', certificates.vek),
            chainFile: write('chain.pem', certificates.chain),
        });
        await expect(snpTee(tee)).rejects.toMatchObject({
            code: 'quote_unavailable',
            message: expect.stringContaining('vek_chain_root') as string,
        });
    });

    it('has its certificates from files or from AMD, unless told of another service', () => {
        expect(teeOf({})).toMatchObject({
            kdsUrl: 'https://kdsintf.amd.com',
            reportPath: '/sys/kernel/config/tsm/report',
        });
        expect(() => teeOf({ vek: 'misspelt' })).toThrow();
    });
});
