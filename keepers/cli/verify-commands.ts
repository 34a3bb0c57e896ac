import { type Command, Option } from 'commander';
import { finish } from './finish';
import type { VerifyGpuCommandOptions } from './verify-gpu-command';
import type { VerifyDstackOptions } from './verify-dstack-command';
import type { VerifyNodeOptions } from './verify-node-command';
import type { VerifyQuoteOptions } from './verify-quote-command';
import type { VerifySnpCommandOptions } from './verify-snp-command';

/** Evidence by hand. Exit codes: 0 accepted, 1 rejected, 2 nothing could be judged. */
export function addVerifyCommands(program: Command): void {
    const verify = program.command('verify').description('judge evidence: 0 accepted, 1 rejected, 2 unusable input');
    addVerifyQuote(verify);
    addVerifySnp(verify);
    addVerifyGpu(verify);
    addVerifyDstack(verify);
    addVerifyNode(verify);
    addVerifyReceipt(verify);
    program
        .command('inspect')
        .description('show what evidence claims, without judging it')
        .command('quote')
        .description('show what a TDX or SGX quote claims; nothing is verified')
        .argument('<file>', 'the quote, as bytes or hex')
        .option('--json', 'print one JSON object')
        .action((file: string, options: { json?: boolean }) =>
            finish(async () => {
                const { runInspectQuote } =
                    require('./verify-quote-command') as typeof import('./verify-quote-command');
                return runInspectQuote(file, options);
            }),
        );
}

function addVerifyQuote(verify: Command): void {
    verify
        .command('quote')
        .description('judge a TDX or SGX quote')
        .argument('<file>', 'the quote, as bytes or hex')
        .option('--collateral <file>', 'JSON of its nine texts; fetched from the collateral service unless given')
        .addOption(
            new Option(
                '--pcs <url>',
                'collateral service instead of Intel’s: a caching one, or a development network’s',
            ).conflicts('collateral'),
        )
        .option('--at <date>', 'judge as of this ISO date instead of now')
        .option('--policy <file>', 'JSON of what to accept; docs/attestation.md lists the rules')
        .option('--root <hex|file>', 'root key of a development network instead of Intel’s')
        .addOption(
            new Option(
                '--on-chain',
                'have the real contract decide, in an emulator; needs --collateral and --at',
            ).conflicts(['signatureOnly', 'pcs', 'policy']),
        )
        .option('--signature-only', 'check signatures and the report alone: no revocation, no state of the platform')
        .option('--json', 'print one JSON object')
        .action((file: string, options: VerifyQuoteOptions) =>
            finish(() => {
                const { runVerifyQuote } = require('./verify-quote-command') as typeof import('./verify-quote-command');
                return runVerifyQuote(
                    file,
                    options,
                    () => require('./on-chain-verdict') as typeof import('./on-chain-verdict'),
                );
            }),
        );
}

function addVerifySnp(verify: Command): void {
    verify
        .command('snp')
        .description('judge a SEV-SNP attestation report')
        .argument('<report>', 'the report, as bytes or hex')
        .option('--vcek <file>', 'certificate of the key that signed it (VCEK or VLEK), DER or PEM')
        .option('--chain <file>', 'PEM of its authority and AMD’s root; what is not given is fetched')
        .option('--crl <file>', 'revocation list of the root, DER; without it revocation is unchecked')
        .option('--kds <url>', 'key distribution service to fetch from instead of AMD’s')
        .option('--cache <folder>', 'keeps what was fetched, and serves it while it is in force')
        .option('--product <line>', 'Milan, Genoa or Turin, for fetching where the report does not say')
        .option('--at <date>', 'judge as of this ISO date instead of now')
        .option('--policy <file>', 'JSON of what to accept; docs/attestation.md lists the rules')
        .option('--root <hex|file>', 'root of a development network instead of AMD’s')
        .option('--json', 'print one JSON object')
        .action((file: string, options: VerifySnpCommandOptions) =>
            finish(() => {
                const { runVerifySnp } = require('./verify-snp-command') as typeof import('./verify-snp-command');
                return runVerifySnp(file, options);
            }),
        );
}

function addVerifyGpu(verify: Command): void {
    verify
        .command('gpu')
        .description('judge the evidence of a host’s NVIDIA GPUs')
        .argument('<file>', 'JSON as NVIDIA’s tools write it, or a report in hex with --chain')
        .option('--chain <file>', 'PEM chain of the GPU, where the file is a report in hex')
        .option('--nonce <hex>', 'the nonce that the GPUs were asked with; not checked unless given')
        .option('--at <date>', 'judge as of this ISO date instead of now')
        .option('--root <hex|file>', 'root key of a development network instead of NVIDIA’s')
        .option('--require-mode', 'refuse evidence whose host does not state that confidential mode is on')
        .option('--nras-token <file>', 'the answer of NVIDIA’s attestation service on these GPUs, judged as well')
        .option('--jwks <file>', 'keys of that service, for its answer')
        .option('--nras-issuer <url>', 'who the answer must be of instead of NVIDIA’s service')
        .option('--json', 'print one JSON object')
        .action((file: string, options: VerifyGpuCommandOptions) =>
            finish(() => {
                const { runVerifyGpu } = require('./verify-gpu-command') as typeof import('./verify-gpu-command');
                return runVerifyGpu(file, options);
            }),
        );
}

function addVerifyDstack(verify: Command): void {
    verify
        .command('dstack')
        .description('judge the attestation report of a dstack node (Phala, NEAR AI)')
        .argument('<file>', 'JSON of GET /v1/attestation/report')
        .option('--collateral <file>', 'JSON of its nine texts; fetched from the collateral service unless given')
        .addOption(new Option('--pcs <url>', 'collateral service instead of Intel’s').conflicts('collateral'))
        .option('--nonce <hex>', 'that the report was asked for with; without it nothing says how old the report is')
        .option('--at <date>', 'judge as of this ISO date instead of now')
        .option('--root <hex|file>', 'root key of a development network instead of Intel’s')
        .option('--gpu-root <hex|file>', 'root key of a development network’s GPUs instead of NVIDIA’s')
        .option('--json', 'print one JSON object')
        .action((file: string, options: VerifyDstackOptions) =>
            finish(() => {
                const { runVerifyDstack } =
                    require('./verify-dstack-command') as typeof import('./verify-dstack-command');
                return runVerifyDstack(file, options);
            }),
        );
}

function addVerifyNode(verify: Command): void {
    verify
        .command('node')
        .description('judge the evidence of every node that a gateway or a dispatcher serves')
        .argument('<url>', 'of the gateway or dispatcher')
        .option('--node <key>', 'only this node, by its key in hex')
        .option('--deployment <file>', 'network to judge by: its root key and its name; Intel’s root unless given')
        .option('--policy <file>', 'JSON of what to accept; docs/attestation.md lists the rules')
        .option('--snp-policy <file>', 'the same for nodes in SEV-SNP guests')
        .option('--collateral-url <url>', 'collateral service instead of Intel’s')
        .option('--kds-url <url>', 'key distribution service instead of AMD’s')
        .addOption(
            new Option(
                '--use-served-collateral',
                'judge by the collateral served along, which the prover may have chosen',
            ).conflicts('collateralUrl'),
        )
        .option('--api-key-file <file>', 'API key, where the gateway asks for one')
        .option('--json', 'print one JSON object')
        .action((url: string, options: VerifyNodeOptions) =>
            finish(() => {
                const { runVerifyNode } = require('./verify-node-command') as typeof import('./verify-node-command');
                return runVerifyNode(url, options);
            }),
        );
}

function addVerifyReceipt(verify: Command): void {
    verify
        .command('receipt')
        .description('judge receipts: the node’s signature, the cost by usage and offer, the cap')
        .argument('<file>', 'JSON of GET /cocoon/receipts/{id}, or JSON lines of cocoon receipts')
        .option('--json', 'print one JSON object for each')
        .action((file: string, options: { json?: boolean }) =>
            finish(async () => {
                const { runVerifyReceipt } =
                    require('./verify-receipt-command') as typeof import('./verify-receipt-command');
                return runVerifyReceipt(file, options);
            }),
        );
}
